"""A keypair kept in AWS Secrets Manager: read once, then held in this process."""

from minting.chain.wallets.aws import asking, aws_client
from minting.chain.wallets.given import NAME, Hidden, UnsoundKey, checked_keypair, keypair_from
from minting.chain.wallets.signer import HeldKey, KeyRefused, Signer

SERVICE = "secretsmanager"


def secrets_manager_signer(name: str) -> Signer:
    """Return the signer whose keypair is the secret of a name or ARN.

    The secret is text, as JSON or base58, or its 64 bytes. Raises ``KeyNotReachable`` and
    ``KeyRefused``.
    """
    client = aws_client(SERVICE)
    with asking(SERVICE):
        answer = client.get_secret_value(SecretId=name)
    return HeldKey(_keypair_of(answer.get("SecretString"), answer.get("SecretBinary")))


def _keypair_of(text: str | None, raw: bytes | None) -> Hidden:
    try:
        return checked_keypair(raw, NAME) if raw else keypair_from(text or "", NAME)
    except UnsoundKey as error:
        raise KeyRefused(f"the secret is no key: {error}") from None
