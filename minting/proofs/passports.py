"""What a leaf says of a unit's passport: the hash of the version its batch was minted with."""

import hashlib

from minting.canonical_json import canonical
from minting.models import PassportVersion


def passport_sha256(version: PassportVersion) -> str:
    """Return the SHA-256 of a passport version's canonical JSON (RFC 8785), 64 hexadecimal digits.

    Hashed are its category, data, number, product and the number of the schema it was held to.
    """
    return hashlib.sha256(canonical_passport(version)).hexdigest()


def canonical_passport(version: PassportVersion) -> bytes:
    """Return what is hashed."""
    return canonical(
        {
            "category": version.category,
            "dpp": version.dpp,
            "number": version.number,
            "product_id": str(version.product_id),
            "schema_version": version.schema_version,
        }
    )
