"""Links for tests, written by the plane that writes them in production."""

from typing import Any

from resolver import links
from resolver.models import Link
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scanning import Answer, scan
from tieback.brands.scoping import brand_scope

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LINKSET = "application/linkset+json"
PDF = "application/pdf"


def add_link(world: BrandWorld, link_type: str, target: str, **fields: Any) -> Link:
    """Link a brand's codes, of one product if it is given, and let the resolver forget."""
    values = {"title": f"Title of {link_type}", **fields}
    with acting_as("web"), brand_scope(world.brand.id):
        link = Link.objects.create(brand=world.brand, link_type=link_type, target=target, **values)
    forget()
    return link


def forget() -> None:
    """Let the resolver ask for links again, as it does after some seconds."""
    links._brands_with_defaults.clear()
    links._books.clear()


def browse(path: str, query: str = "", **headers: str) -> Answer:
    """Ask as a phone's browser does."""
    return scan(path, query=query, **{"accept": BROWSER, **headers})


def fetch(path: str, query: str = "", accept: str = "*/*", **headers: str) -> Answer:
    """Ask as a program does."""
    return scan(path, query=query, accept=accept, user_agent="curl/8.5.0", **headers)
