"""What an asset is called on the chain. Pure.

``#`` and the first ten bytes of the hash of its unit's leaf in the batch's proof, in base32 (RFC
4648, section 6, in small letters). Who has the unit's proof can compute it; who reads the chain
learns no token and cannot guess one, since each leaf has a salt.
"""

import base64

_NAMED_BYTES = 10
#: As long as every name is.
NAME_CHARACTERS = 17


def name_of(leaf_hash: bytes) -> str:
    """Return the name of the asset of the unit whose proof's leaf has this hash."""
    return "#" + base64.b32encode(leaf_hash[:_NAMED_BYTES]).decode("ascii").lower()
