from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.mail import mail_notice, main

SENDER = "signals@example.com"


class Ses:
    """SES as an account may find it."""

    def __init__(self, *verified: str, **account: Any) -> None:
        self.verified = verified
        self.account = {"ProductionAccessEnabled": True, "SendingEnabled": True, "EnforcementStatus": "HEALTHY"}
        self.account |= {"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0}, **account}

    def get_account(self) -> dict[str, Any]:
        return self.account

    def get_email_identity(self, EmailIdentity: str) -> dict[str, Any]:  # noqa: N803 - SES's own name
        if EmailIdentity not in self.verified:
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": "none"}}, "GetEmailIdentity")
        return {"VerifiedForSendingStatus": True}


def notice(ses: Ses) -> str:
    return mail_notice(ses, SENDER, "eu-central-1")


@pytest.mark.parametrize("identity", [SENDER, "example.com"])
def test_an_account_that_may_mail_everybody_says_so(identity: str) -> None:
    said = notice(Ses(identity))
    assert said == "SES mails everybody in eu-central-1: 200 mails a day, 1 a second, from signals@example.com.\n"


def test_the_sandbox_is_named_with_what_it_does_to_deliveries_and_how_to_leave_it() -> None:
    said = notice(Ses(SENDER, ProductionAccessEnabled=False))
    assert said.startswith("SES is in its sandbox in eu-central-1: only addresses that are verified here get mail, 200")
    assert "SUPPRESSED(sandbox)" in said
    assert "--production-access-enabled" in said


def test_everything_that_is_in_the_way_is_named() -> None:
    said = notice(Ses(ProductionAccessEnabled=False, SendingEnabled=False, EnforcementStatus="SHUTDOWN"))
    for part in ("sandbox", "paused the sending of this account (SHUTDOWN)", f"sender {SENDER} is not verified"):
        assert part in said


def test_the_command_ends_with_1_where_something_is_in_the_way(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    class Client(Ses):
        class meta:  # noqa: N801 - boto3's own name
            region_name = "eu-central-1"

    for production, code in ((True, 0), (False, 1)):
        found = Client(SENDER, ProductionAccessEnabled=production)
        monkeypatch.setattr(boto3, "client", lambda _service, found=found: found)
        assert main(["--sender", SENDER]) == code
    assert capsys.readouterr().out.count("sandbox in") == 1


def test_without_an_account_there_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    class Nobody(Ses):
        def get_account(self) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "the token\nis over"}}, "GetAccount")

        class meta:  # noqa: N801 - boto3's own name
            region_name = "eu-central-1"

    monkeypatch.setattr(boto3, "client", lambda _service: Nobody())
    assert main(["--sender", SENDER]) == 2
    assert capsys.readouterr().err.count("\n") == 1
