"""Serves pinned metadata documents to anyone, under their CID and under their short address.

Both name the same bytes for ever, so every cache may keep them for ever. They come from the
document's row: this plane has no key to the bucket, in which the packs are (ADR 34).
"""

from http import HTTPStatus
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from minting.metadata.addresses import is_short_id
from minting.metadata.cid import NotACid, is_cid_of, sha256_of
from minting.models import MetadataDocument
from minting.states import MetadataStatus
from resolver import pages
from resolver.faces import Face
from resolver.public_answers import PublicView, answered, refused
from tieback.brands.scoping import all_brands

log = structlog.get_logger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"


class DocumentView(PublicView):
    """``/ipfs/{cid}``."""

    def get(self, request: HttpRequest, cid: str) -> HttpResponse:
        """Give the bytes that the CID names, if they are a pinned document of this host's brand."""

        def show(brand: UUID, face: Face) -> HttpResponse | None:
            content = _content(brand, cid)
            if content is None:
                return None
            if not is_cid_of(cid, content):
                log.error("metadata_is_not_what_it_was", cid=cid)
                return refused(request, HTTPStatus.SERVICE_UNAVAILABLE, pages.UNAVAILABLE, face)
            return _document(request, cid, content)

        return answered(request, show)


class ShortView(PublicView):
    """``/m/{short_id}``: what a chain has room for."""

    def get(self, request: HttpRequest, short_id: str) -> HttpResponse:
        """Lead to the document, for good."""

        def show(brand: UUID, face: Face) -> HttpResponse | None:
            cid = _cid(brand, short_id)
            if cid is None:
                return None
            moved = HttpResponse(status=HTTPStatus.MOVED_PERMANENTLY)
            moved["Location"] = f"/ipfs/{cid}"
            return _lasting(moved)

        return answered(request, show)


def _document(request: HttpRequest, cid: str, content: bytes) -> HttpResponse:
    etag = f'"{cid}"'
    full = HttpResponse(content, content_type="application/json")
    full["ETag"] = etag
    full["Content-Length"] = str(len(content))
    response = get_conditional_response(request, etag=etag, response=full) or full
    return _lasting(response)


def _lasting(response: HttpResponse) -> HttpResponse:
    """Let every site read an answer and every cache keep it."""
    response["Cache-Control"] = FOR_EVER
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "ETag, Location"
    return response


def _content(brand: UUID, cid: str) -> bytes | None:
    try:
        sha256_of(cid)
    except NotACid:
        return None
    with all_brands():
        found = MetadataDocument.objects.filter(
            brand=brand, cid=cid, status=MetadataStatus.PINNED
        ).values_list("content", flat=True)
        content = found.first()
    return None if content is None else bytes(content)


def _cid(brand: UUID, short_id: str) -> str | None:
    if not is_short_id(short_id):
        return None
    with all_brands():
        found = MetadataDocument.objects.filter(
            brand=brand, short_id=short_id, status=MetadataStatus.PINNED
        ).values_list("cid", flat=True)
        return found.first()
