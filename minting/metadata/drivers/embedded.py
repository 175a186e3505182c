"""The embedded store: a raw block an object, in the private bucket, beside the packs.

The bucket is the store; what strangers read is served by the resolver, which has no key to it, from
the same bytes in the document's row (ADR 34).
"""

import hashlib
from collections.abc import Callable
from typing import ClassVar

from django.utils.module_loading import import_string

from minting.metadata.cid import is_cid_of
from tieback.errors import Missing

# Exports come after minting, which may not import them.
PUT_OBJECT, READ_OBJECT = "exports.storage.put", "exports.storage.read"
MEDIA_TYPE = "application/vnd.ipld.raw"


def key_of(cid: str) -> str:
    """Return the key of a block's object."""
    return f"ipfs/{cid}"


class EmbeddedStore:
    """Blocks in the bucket that ``S3_BUCKET`` names."""

    name: ClassVar[str] = "embedded"

    def pin(self, cid: str, content: bytes) -> None:
        """Store the block; the object store checks its hash on the way."""
        put: Callable[..., None] = import_string(PUT_OBJECT)
        digest = hashlib.sha256(content).digest()
        put(key_of(cid), content, sha256=digest, content_type=MEDIA_TYPE)

    def holds(self, cid: str) -> bool:
        """Tell whether the object is there and has the bytes of its name."""
        try:
            return is_cid_of(cid, self.fetch(cid))
        except Missing:
            return False

    def fetch(self, cid: str) -> bytes:
        """Return the object's bytes."""
        read: Callable[[str], bytes] = import_string(READ_OBJECT)
        return read(key_of(cid))
