"""Says at ``/.well-known/gs1resolver`` what this resolver is: its description file.

Source: GS1-Conformant Resolver Standard 1.2, section 3, and the schema it names.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from resolver import pages
from resolver.database import Unavailable
from resolver.hosts import brand_of
from resolver.link_types import NAMESPACE, PREFIX
from resolver.links import name_of_brand
from resolver.linkset import CONTEXT
from resolver.public_answers import PublicView, refused, the_same_for_all

log = structlog.get_logger(__name__)


class DescriptionView(PublicView):
    """``/.well-known/gs1resolver``, for the host that is asked."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Describe the resolver of the brand whose host this is."""
        host = request.META.get("HTTP_HOST", "")
        try:
            brand = brand_of(host)
            described = description(brand, host) if brand else None
        except Unavailable as error:
            log.warning("description_unavailable", error=type(error).__name__)
            return refused(request, HTTPStatus.SERVICE_UNAVAILABLE, pages.UNAVAILABLE)
        if described is None:
            return refused(request, HTTPStatus.NOT_FOUND, pages.NO_SUCH_HOST)
        return the_same_for_all(JsonResponse(described))


def description(brand: UUID, host: str) -> dict[str, Any]:
    """Return the description file of a brand's host. Raises ``Unavailable``."""
    name = name_of_brand(brand)
    return {
        "name": name,
        "resolverRoot": f"{settings.TIEBACK_RESOLVER_SCHEME}://{host.lower()}",
        "supportedPrimaryKeys": ["01"],
        "supportedLinkType": [{"namespace": NAMESPACE, "prefix": PREFIX}],
        "linkTypeDefaultCanBeLinkset": False,
        "jsonLdContextLocation": CONTEXT,
        "contact": {"fn": name},
    }
