"""What codes ask of a brand's settings: hosts in no circle, a default language of the pages."""

from uuid import UUID

from django.db.models import Q

from minting.catalogue.turns import take_turn
from resolver.languages import OFFERED, is_offered
from resolver.link_values import host_of
from resolver.models import Link


def refuse_linked_host(brand_id: UUID, host: str) -> None:
    """Raise ``ValueError`` where a link of the brand leads to a host that is to be its own.

    Links to a brand's hosts are refused when they are written; this is the same, the other way
    round. In the turn of the catalogue, so that no such link is written meanwhile.
    """
    take_turn(brand_id)
    on_host = Q(target__istartswith=f"https://{host}") | Q(target__istartswith=f"http://{host}")
    for link in Link.objects.filter(on_host, brand_id=brand_id).order_by("created_at", "id"):
        if host in host_of(link.target):
            raise ValueError(
                f"The brand's link “{link.title}” leads to {host}: a code would lead in a circle."
                " Change the link first."
            )


def refuse_unknown_language(brand_id: UUID, tag: str) -> None:
    """Raise ``ValueError`` where the pages are not there in a language, with those they are in."""
    if not is_offered(tag):
        *tags, last = OFFERED
        raise ValueError(
            f"The public pages are in {', '.join(tags)} or {last}; a region may follow, as in"
            " de-AT."
        )
