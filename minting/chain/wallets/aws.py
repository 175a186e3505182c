"""Asking AWS about keys: one configuration, and what its refusals mean.

Region, credentials and a further endpoint (``AWS_ENDPOINT_URL``) are boto3's own to find.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from minting.chain.wallets.signer import KeyNotReachable, KeyRefused
from tieback.aws import new_session

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 5, 3
_UNAVAILABLE = 500
# Refusals that a later attempt may not meet; every 5xx is one too.
_PASSING = frozenset(
    {
        *("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestTimeout"),
        *("KeyUnavailableException", "DependencyTimeoutException", "KMSInternalException"),
    }
)


def aws_client(service: str) -> Any:
    """Return a client of a service, which threads may share. Raises ``KeyRefused``."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    with asking(service):
        return new_session().client(service, config=config)  # type: ignore[call-overload]


@contextmanager
def asking(service: str) -> Iterator[None]:
    """Turn what boto3 raises into ``KeyNotReachable`` or ``KeyRefused``, with its kind alone."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "no code")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= _UNAVAILABLE or code in _PASSING:
            raise KeyNotReachable(f"AWS {service} cannot answer now: {code}") from None
        raise KeyRefused(
            f"AWS {service} refuses: {code}. Is SOLANA_KEY_NAME right, and does a policy let this"
            " process use it?"
        ) from None
    except (NoConnection, HTTPClientError) as error:
        raise KeyNotReachable(f"AWS {service} does not answer: {type(error).__name__}") from None
    except BotoCoreError as error:
        raise KeyRefused(
            f"AWS {service} cannot be asked: {type(error).__name__}. Are region and credentials"
            " set, as boto3 reads them?"
        ) from None
