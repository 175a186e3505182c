"""What a leaf says of a unit's passport: the hash of the version its batch was minted with."""

import hashlib
from typing import Any

import rfc8785

from minting.models import PassportVersion

# JSON that is hashed knows no whole number beyond these (RFC 8785, section 3.2.2.3).
_LARGEST_INTEGER = 2**53 - 1


def passport_sha256(version: PassportVersion) -> str:
    """Return the SHA-256 of a passport version's canonical JSON (RFC 8785), 64 hexadecimal digits.

    Hashed are its category, data, number, product and the number of the schema it was held to.
    """
    return hashlib.sha256(canonical_passport(version)).hexdigest()


def canonical_passport(version: PassportVersion) -> bytes:
    """Return what is hashed."""
    return rfc8785.dumps(
        {
            "category": version.category,
            "dpp": _plain(version.dpp),
            "number": version.number,
            "product_id": str(version.product_id),
            "schema_version": version.schema_version,
        }
    )


def _plain(value: Any) -> Any:
    """Return a value with larger whole numbers as every reader of JSON in doubles reads them."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
        return float(value)
    return value
