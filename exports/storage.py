"""The private bucket of packs: putting them there, and handing out URLs that expire.

Everything goes through one configuration: path addressing, signature version 4, bounded timeouts
and retries. A pack is sent with its SHA-256, which the store verifies where it can; nothing in the
bucket has a permanent public address.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from storages.backends.s3 import S3Storage

from tieback.aws import new_session
from tieback.errors import Missing, PermanentError, TransientError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

CONNECT_SECONDS = 5
READ_SECONDS = 30
ATTEMPTS = 4
# Refusals that a later attempt may not meet; every 5xx is one too.
_PASSING = {"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling", "TooManyRequests"}
# What stores tolerate is 15 minutes; requests are also held up.
_TOLERATED_SKEW = timedelta(minutes=5)
_NOT_FOUND = {"404", "NoSuchBucket", "NotFound"}
_NO_SUCH_OBJECT = {"404", "NoSuchKey", "NotFound"}


def _config(
    *, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS, attempts: int = ATTEMPTS
) -> Config:
    return Config(
        region_name=settings.S3_REGION,
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=connect,
        read_timeout=read,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=8,
        # We send the SHA-256 ourselves; not every S3 server takes the trailing CRC of the default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


class PackStorage(S3Storage):
    """Django's storage over the bucket: never public, never overwritten by another name."""

    def get_default_settings(self) -> dict[str, Any]:
        """Take everything from tieback's own settings."""
        given: dict[str, Any] = super().get_default_settings()  # type: ignore[no-untyped-call]
        return given | {
            "access_key": settings.S3_ACCESS_KEY_ID,
            "secret_key": settings.S3_SECRET_ACCESS_KEY,
            "bucket_name": settings.S3_BUCKET,
            "endpoint_url": settings.S3_ENDPOINT_URL,
            "region_name": settings.S3_REGION,
            "addressing_style": "path",
            "signature_version": "s3v4",
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": settings.SIGNED_URL_SECONDS,
            "client_config": _config(),
        }

    def _create_session(self) -> "boto3.Session":
        return new_session(
            aws_access_key_id=settings.S3_ACCESS_KEY_ID,
            aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY,
        )

    def url(
        self,
        name: str | None,
        parameters: dict[str, Any] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """Return a signed URL on the public endpoint."""
        seconds = expire or settings.SIGNED_URL_SECONDS
        return _presigned(name or "", parameters or {}, seconds, http_method or "GET")


def _new_client(endpoint_url: str, config: Config) -> "S3Client":
    return new_session().client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID,
        aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY,
        config=config,
    )


@cache
def _client() -> "S3Client":
    return _new_client(settings.S3_ENDPOINT_URL, _config())


@cache
def _public_client() -> "S3Client":
    """Return the client that signs: the host is part of what is signed."""
    return _new_client(settings.S3_PUBLIC_ENDPOINT_URL, _config())


@cache
def _probe(timeout: float) -> "S3Client":
    return _new_client(settings.S3_ENDPOINT_URL, _config(connect=timeout, read=timeout, attempts=1))


def _presigned(key: str, parameters: dict[str, Any], seconds: int, method: str = "GET") -> str:
    location = {"Bucket": settings.S3_BUCKET, "Key": key, **parameters}
    return _public_client().generate_presigned_url(
        "get_object", Params=location, ExpiresIn=seconds, HttpMethod=method
    )


def forget_clients() -> None:
    """Make the next call build its client anew, from the settings of then."""
    for made in (_client, _public_client, _probe):
        made.cache_clear()


def _asked(operation: str, call: Callable[[], T]) -> T:
    """Call the store; its refusals leave here as our errors, without hosts, keys or URLs."""
    try:
        return call()
    except ClientError as error:
        code = _code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        message = f"object storage answered {operation} with {status} {code}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _PASSING or _is_skewed(error):
            raise TransientError(message) from error
        if code in _NO_SUCH_OBJECT:
            raise Missing(message) from error
        raise PermanentError(message) from error
    except BotoCoreError as error:
        message = f"object storage did not answer {operation}: {type(error).__name__}"
        raise TransientError(message) from error


def _is_skewed(error: ClientError) -> bool:
    """Tell whether the store's clock is minutes from ours: then the time is what it refuses.

    Stores name that refusal differently, and answer HEAD with no name at all.
    """
    said = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        stores = parsedate_to_datetime(said or "")
    except ValueError:
        return False
    return abs(stores - datetime.now(UTC)) > _TOLERATED_SKEW


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def put(key: str, content: bytes, *, sha256: bytes, content_type: str) -> None:
    """Store an object under its key, whole or not at all. Doing it twice changes nothing."""
    _asked(
        "PutObject",
        lambda: _client().put_object(
            Bucket=settings.S3_BUCKET,
            Key=key,
            Body=content,
            ContentLength=len(content),
            ContentType=content_type,
            ChecksumSHA256=base64.b64encode(sha256).decode("ascii"),
        ),
    )


def read(key: str) -> bytes:
    """Return the bytes of an object. Raises ``Missing`` where there is none."""

    def get() -> bytes:
        content: bytes = _client().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
        return content

    return _asked("GetObject", get)


def signed_url(
    key: str, filename: str, *, content_type: str = "text/csv; charset=utf-8"
) -> tuple[str, datetime]:
    """Return a URL that downloads the object as ``filename``, and the moment it expires.

    Signing asks nobody: it is arithmetic over the key, the secret and the time.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    seconds = int(settings.SIGNED_URL_SECONDS)
    headers = {
        "ResponseContentDisposition": f'attachment; filename="{filename}"',
        "ResponseContentType": content_type,
    }
    return _presigned(key, headers, seconds), now + timedelta(seconds=seconds)


def bucket_answers(*, timeout: float) -> None:
    """Raise unless the bucket is there and takes our credentials."""
    _asked("HeadBucket", lambda: _probe(timeout).head_bucket(Bucket=settings.S3_BUCKET))


def ensure_bucket() -> None:
    """Make the bucket where there is none."""
    try:
        _asked("HeadBucket", lambda: _client().head_bucket(Bucket=settings.S3_BUCKET))
    except PermanentError as error:
        refusal = error.__cause__
        if not isinstance(refusal, ClientError) or _code(refusal) not in _NOT_FOUND:
            raise
        _asked("CreateBucket", _create_bucket)


def _create_bucket() -> None:
    if settings.S3_REGION == "us-east-1":
        # The one region that may not be named.
        _client().create_bucket(Bucket=settings.S3_BUCKET)
        return
    _client().create_bucket(
        Bucket=settings.S3_BUCKET,
        CreateBucketConfiguration={"LocationConstraint": settings.S3_REGION},  # type: ignore[typeddict-item]
    )
