"""Gives out the document that holds for a passport version, to whoever writes of its units."""

from uuid import UUID

from minting.metadata.addresses import short_uri
from minting.models import MetadataDocument
from minting.states import MetadataStatus


def document_for(passport_version_id: UUID) -> MetadataDocument | None:
    """Return the pinned document of a passport version with the highest number, if there is one.

    Runs in the scope of the brand, or where scopes are off.
    """
    pinned = MetadataDocument.objects.filter(
        passport_version=passport_version_id, status=MetadataStatus.PINNED
    )
    return pinned.order_by("-number").first()


def uri_of(document: MetadataDocument, base: str) -> str:
    """Return the short address of a document for a chain, ASCII.

    ``base`` is scheme and host, as ``MintBatch.resolver_base`` has them. With a host of at most 15
    characters and https it has at most 34 bytes. Raises ``ValueError`` before it is composed.
    """
    if document.short_id is None:
        raise ValueError(f"{document} is not composed")
    return short_uri(base, document.short_id)
