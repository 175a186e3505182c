"""Rules between the settings of where metadata documents are pinned."""

from urllib.parse import urlsplit

from environs import ValidationError

PROVIDERS = ("embedded", "kubo", "pinata")
_CLOSED = {"nft.storage", "nftstorage", "nft_storage", "nft-storage"}


def known_provider(name: str) -> None:
    """Refuse a provider there is no driver for, and say why of one that people may still name."""
    if name.lower() in _CLOSED:
        raise ValidationError(
            "NFT.Storage has closed its upload service (June 2024); choose one of: "
            + ", ".join(PROVIDERS)
        )
    if name not in PROVIDERS:
        raise ValidationError(f"Must be one of: {', '.join(PROVIDERS)}.")


def missing_for(
    provider: str, *, api: str, gateway: str, token: str, key_and_secret: tuple[str, str]
) -> list[str]:
    """Return what a provider lacks, without saying what was given."""
    found = []
    if gateway and not _is_address(gateway):
        found.append("IPFS_GATEWAY_URL must look like https://gateway.example")
    if provider == "kubo" and not _is_address(api):
        found.append("IPFS_API_URL must look like http://127.0.0.1:5001: IPFS_PROVIDER is kubo")
    if provider == "pinata" and not (token or all(key_and_secret)):
        found.append(
            "PINATA_JWT, or PINATA_API_KEY and PINATA_SECRET_KEY, is not set:"
            " IPFS_PROVIDER is pinata"
        )
    return found


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
