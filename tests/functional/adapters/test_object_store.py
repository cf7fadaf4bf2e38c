"""What S3 alone can answer: errors, and links."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from signalbox.adapters.aws import client
from signalbox.adapters.object_store import S3ObjectStore
from signalbox.domain.errors import PermanentError, StorageUnavailableError, UploadLostError

BUSY = ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "UploadPart")
DENIED = ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "UploadPart")
GONE = ClientError({"Error": {"Code": "NoSuchUpload"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "UploadPart")
SILENT = ReadTimeoutError(endpoint_url="https://s3.example")


class Failing:
    """An S3 that answers everything with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def fail(**_arguments: Any) -> None:
            raise self.error

        return fail


class Breaking:
    """A body that breaks off after its first piece."""

    def get_object(self, **_arguments: Any) -> dict[str, Any]:
        return {"Body": self}

    def iter_chunks(self, _size: int) -> Any:
        yield b"first"
        raise SILENT


@pytest.mark.parametrize(
    ("error", "kind"), [(BUSY, StorageUnavailableError), (SILENT, StorageUnavailableError), (DENIED, PermanentError)]
)
def test_an_error_says_whether_to_try_again(
    use_client: Callable[[Any], None], error: Exception, kind: type[Exception]
) -> None:
    use_client(Failing(error))
    store = S3ObjectStore("EXPORTS_BUCKET")
    for ask in (
        lambda: store.begin("key", "text/csv"),
        lambda: store.put_part("key", "upload", 1, b""),
        lambda: store.complete("key", "upload", ["tag"]),
        lambda: store.put("key", b""),
        lambda: list(store.read("key")),
    ):
        with pytest.raises(kind) as raised:
            ask()
        assert not isinstance(raised.value, UploadLostError)


def test_a_part_of_an_upload_that_is_gone_is_lost(use_client: Callable[[Any], None]) -> None:
    use_client(Failing(GONE))
    with pytest.raises(UploadLostError, match="part 3 of key must be in the store"):
        S3ObjectStore("EXPORTS_BUCKET").put_part("key", "upload", 3, b"")
    with pytest.raises(UploadLostError, match="upload of key must be in the store"):
        S3ObjectStore("EXPORTS_BUCKET").complete("key", "upload", ["tag"])


def test_a_file_that_breaks_off_is_not_taken_for_whole(use_client: Callable[[Any], None]) -> None:
    use_client(Breaking())
    with pytest.raises(StorageUnavailableError):
        list(S3ObjectStore("EXPORTS_BUCKET").read("key"))


def test_a_link_is_signed_with_the_signature_that_encrypted_objects_need(aws: None) -> None:
    link = urlsplit(S3ObjectStore("EXPORTS_BUCKET").link("id/1.csv", file_name="signals.csv", seconds=300))
    asked = parse_qs(link.query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["300"]
    assert asked["response-content-disposition"] == ['attachment; filename="signals.csv"']


def test_a_link_of_a_local_cloud_leads_to_its_address(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    client.cache_clear()
    link = urlsplit(S3ObjectStore("EXPORTS_BUCKET").link("id/1.csv", file_name="signals.csv", seconds=300))
    assert (link.netloc, link.path) == ("127.0.0.1:4566", "/test-exports/id/1.csv")
