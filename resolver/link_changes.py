"""Creates, changes and deletes the links of a brand's codes.

Runs in the brand's transaction, in the turn of its catalogue, so that what is checked here stays
true until it is written; the constraints have the last word.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from minting.catalogue.changes import change_columns, described
from minting.catalogue.turns import refusing, take_turn
from minting.models import Product
from resolver.link_types import DPP
from resolver.link_values import HTML, host_of
from resolver.models import Link
from tieback.brands.audit import Actor, record
from tieback.brands.models import ResolverHost
from tieback.errors import Conflict, FieldError, NotFound, ValidationFailed

#: How many links a product may have, and how many a brand for all of its products.
MOST_LINKS = 200

DESCRIBED = (
    *("product_id", "link_type", "target", "title", "language", "media_type"),
    *("is_default", "active_from", "active_until"),
)
LINKED_TWICE = FieldError(
    "target",
    "TAKEN",
    "There is such a link: same product, type, language, format and target. Change that one, its"
    " period included.",
)
DEFAULT_TAKEN = FieldError(
    "is_default",
    "TAKEN",
    "Another link is the default in this language and format, of this product or of all products:"
    " take that from it first.",
)
RESERVED = FieldError(
    "media_type",
    "RESERVED",
    "gs1:dpp in HTML is the passport page itself: give another format, or use gs1:pip.",
)
OWN_HOST = FieldError(
    "target",
    "OWN_HOST",
    "This is one of the brand's own resolver hosts: a code would lead in a circle.",
)
PERIOD_BACKWARDS = FieldError("active_until", "INVALID", "Must be later than active_from.")
TAKEN = {"resolver_link_once": LINKED_TWICE, "resolver_link_one_default": DEFAULT_TAKEN}


class TooManyLinks(Conflict):
    """The product, or the brand for all its products, has as many links as it may have."""

    code = "TOO_MANY_LINKS"


def create_link(actor: Actor, values: Mapping[str, Any], *, request: Any = None) -> Link:
    """Create a link; a ``product_id`` of None stands for all of the brand's products."""
    take_turn(actor.brand_id)
    link = Link(brand_id=actor.brand_id, **values)
    if link.product_id and not Product.objects.filter(id=link.product_id).exists():
        message = "There is no such product in this brand."
        raise ValidationFailed(fields=(FieldError("product_id", "NOT_FOUND", message),))
    _refuse_faults(link)
    if _beside(link).count() >= MOST_LINKS:
        raise TooManyLinks(
            f"There may be {MOST_LINKS} links of a product, and {MOST_LINKS} for all products:"
            " delete one first."
        )
    with refusing(TAKEN):
        link.save(force_insert=True)
    link.refresh_from_db(fields=["created_at"])
    after = described(link, DESCRIBED)
    record(actor, "link.created", "link", link.id, after=after, request=request)
    return link


def update_link(
    actor: Actor, link_id: UUID, values: Mapping[str, Any], *, request: Any = None
) -> Link:
    """Change a link. No difference, nothing written."""
    take_turn(actor.brand_id)
    link = _link(link_id)
    change = change_columns(link, values)
    if change:
        _refuse_faults(link)
        with refusing(TAKEN):
            link.save(update_fields=[*change.after, "updated_at"])
        record(
            actor,
            "link.updated",
            "link",
            link.id,
            before=change.before,
            after=change.after,
            request=request,
        )
    return link


def delete_link(actor: Actor, link_id: UUID, *, request: Any = None) -> None:
    """Delete a link; codes lead elsewhere some seconds later."""
    take_turn(actor.brand_id)
    link = _link(link_id)
    before = described(link, DESCRIBED)
    link.delete()
    record(actor, "link.deleted", "link", link_id, before=before, request=request)


def faults_of(link: Link) -> Iterator[FieldError]:
    """Yield what is wrong with a link whose single values are sound, beside other links."""
    if link.link_type == DPP and link.media_type == HTML:
        yield RESERVED
    if link.active_from and link.active_until and link.active_until <= link.active_from:
        yield PERIOD_BACKWARDS
    hosts = ResolverHost.objects.filter(brand_id=link.brand_id, host__in=host_of(link.target))
    if hosts.exists():
        yield OWN_HOST
    others = _beside(link).filter(language=link.language, media_type=link.media_type)
    if others.filter(link_type=link.link_type, target=link.target).exists():
        yield LINKED_TWICE
    if link.is_default and others.filter(is_default=True).exists():
        yield DEFAULT_TAKEN


def _refuse_faults(link: Link) -> None:
    if faults := tuple(faults_of(link)):
        raise ValidationFailed(fields=faults)


def _beside(link: Link) -> QuerySet[Link]:
    """Return the other links of the same product, or of the same brand for all products."""
    links = Link.objects.filter(brand_id=link.brand_id).exclude(id=link.id)
    if link.product_id is None:
        return links.filter(product__isnull=True)
    return links.filter(product_id=link.product_id)


def _link(link_id: UUID) -> Link:
    link = Link.objects.select_for_update().filter(id=link_id).first()
    if link is None:
        raise NotFound
    return link
