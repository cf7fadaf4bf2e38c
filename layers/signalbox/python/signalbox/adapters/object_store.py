"""Large objects in S3, written in parts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import ClientError, IncompleteReadError

from signalbox.adapters import aws
from signalbox.domain.errors import PermanentError, StorageUnavailableError, UploadLostError
from signalbox.settings import resource

_LOST = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "NoSuchKey", "404"})
_PIECE_BYTES = 1024 * 1024


class S3ObjectStore:
    """Implements `ports.ObjectStore`.

    Parameters
    ----------
    setting : str
        The environment variable that holds the bucket's name, read on first use.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def begin(self, key: str, media_type: str) -> str:
        """Begin an upload in parts and return its id."""
        with _meaning(f"upload of {key}"):
            reply = aws.client("s3").create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=media_type)
        return str(reply["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Put part `number` and return its tag; raise UploadLostError if the upload is no longer there."""
        with _meaning(f"part {number} of {key}"):
            reply = aws.client("s3").upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data
            )
        return str(reply["ETag"])

    def complete(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Make the object of exactly these parts; nothing happens if it was made before, since no other upload has
        this key. Raises UploadLostError if the upload is no longer there, or has other parts."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        try:
            with _meaning(f"upload of {key}"):
                aws.client("s3").complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
                )
        except UploadLostError as lost:
            try:
                with _meaning(key):
                    aws.client("s3").head_object(Bucket=self._bucket, Key=key)
            except UploadLostError:
                raise lost from None

    def put(self, key: str, data: bytes) -> None:
        """Put a small object in one piece."""
        with _meaning(key):
            aws.client("s3").put_object(Bucket=self._bucket, Key=key, Body=data)

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object, piece by piece; raise UploadLostError if it is not there."""
        with _meaning(key):
            body = aws.client("s3").get_object(Bucket=self._bucket, Key=key)["Body"]
            yield from body.iter_chunks(_PIECE_BYTES)

    def link(self, key: str, *, file_name: str, seconds: int) -> str:
        """Return an address from which anybody can fetch the object as `file_name` for so long."""
        asked = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
        }
        return str(aws.client("s3").generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))

    @property
    def _bucket(self) -> str:
        return resource(self._setting)


@contextmanager
def _meaning(what: str) -> Iterator[None]:
    """Give S3's errors their meaning."""
    try:
        yield
    except ClientError as e:
        if aws.error_code(e) in _LOST:
            raise UploadLostError(f"{what} must be in the store, was not: {e}") from e
        kind = StorageUnavailableError if aws.may_succeed_later(e) else PermanentError
        raise kind(f"the store refused {what}: {e}") from e
    except (IncompleteReadError, *aws.NETWORK_ERRORS) as e:
        raise StorageUnavailableError(f"the store did not answer for {what}: {e}") from e
