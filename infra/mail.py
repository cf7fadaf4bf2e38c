"""Say whether mail reaches everybody: `python -m infra.mail` asks SES in the AWS account that the credentials lead to.

A new account is in the sandbox of SES, which mails verified addresses only: every other recipient's delivery becomes
`SUPPRESSED(sandbox)`. Whoever deploys should read that here first, and not in the deliveries.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import STACK

SANDBOX = """\
SES is in its sandbox in {region}: only addresses that are verified here get mail, {quota:.0f} mails a day at most.
Deliveries to all others become SUPPRESSED(sandbox), and nobody else can sign in.
  To leave it:          aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL \\
                          --website-url https://YOUR.SITE --use-case-description 'Trading signals people asked for'
  To verify an address: aws sesv2 create-email-identity --email-identity ADDRESS
"""
UNVERIFIED = """\
The sender {sender} is not verified: no mail leaves. SES has sent a link to it, or its domain's records are not set.
"""
PAUSED = "SES has paused the sending of this account ({status}): no mail leaves until that is lifted.\n"
GOOD = "SES mails everybody in {region}: {quota:.0f} mails a day, {rate:.0f} a second, from {sender}.\n"


def main(arguments: Sequence[str]) -> int:
    """Print what stands between a deployment and its subscribers' mailboxes; 0 if nothing does."""
    options = _parser().parse_args(arguments)
    import boto3

    try:
        ses = boto3.client("sesv2")
        sender = options.sender or _sender_of(boto3.client("cloudformation"), options.stack)
        notice = mail_notice(ses, sender, ses.meta.region_name)
    except (BotoCoreError, ClientError) as e:
        sys.stderr.write(f"signalbox: {' '.join(str(e).split())}\n")
        return 2
    sys.stdout.write(notice)
    return 0 if notice.startswith(GOOD.partition("{")[0]) else 1


def mail_notice(ses: Any, sender: str, region: str) -> str:
    """Return what whoever deploys must know of mail in this account.

    Parameters
    ----------
    ses
        A client of `sesv2`.
    sender : str
        The address that mails come from (`MailSender`).
    """
    account = ses.get_account()
    quota = account.get("SendQuota", {})
    known = {
        "region": region,
        "sender": sender,
        "quota": quota.get("Max24HourSend", 0.0),
        "rate": quota.get("MaxSendRate", 0.0),
        "status": account.get("EnforcementStatus", "unknown"),
    }
    found = [
        SANDBOX if not account.get("ProductionAccessEnabled", False) else "",
        PAUSED if not account.get("SendingEnabled", True) else "",
        UNVERIFIED if not _is_verified(ses, sender) else "",
    ]
    return "".join(found).format(**known) or GOOD.format(**known)


def _is_verified(ses: Any, sender: str) -> bool:
    """Return whether the address, or the domain it belongs to, is verified."""
    for identity in (sender, sender.partition("@")[2]):
        try:
            if ses.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus"):
                return True
        except ClientError as e:
            if e.response["Error"]["Code"] != "NotFoundException":
                raise
    return False


def _sender_of(cloudformation: Any, stack: str) -> str:
    parameters = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
    return next((str(e["ParameterValue"]) for e in parameters if e["ParameterKey"] == "MailSender"), "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.mail", description="Say whether mail reaches everybody")
    parser.add_argument("--stack", default=STACK)
    parser.add_argument("--sender", default="", help="the address that mails come from; else the stack's MailSender")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
