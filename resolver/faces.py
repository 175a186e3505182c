"""How a brand presents itself on its public pages: name, colour, logo, language, whom to ask.

Remembered for some seconds in each process, like its hosts: it changes rarely and is asked for
with every page.
"""

from dataclasses import dataclass
from uuid import UUID

from resolver.colours import Palette, palette
from resolver.database import fetch_one
from resolver.languages import DEFAULT
from resolver.remembering import Remembered

#: How many brands' faces are remembered.
REMEMBERED_BRANDS = 1024

_FACE = """
select brand.name, brand.default_locale, brand.accent_colour, brand.support_url,
       brand.support_email, logo.sha256, logo.width, logo.height
  from brands_brand as brand left join brands_brandlogo as logo on logo.brand_id = brand.id
 where brand.id = %s
"""
_LOGO = "select image from brands_brandlogo where brand_id = %s and sha256 = %s"

_known: Remembered[UUID, "Face"] = Remembered(REMEMBERED_BRANDS)


@dataclass(frozen=True, slots=True)
class Logo:
    """Where a brand's logo is served, and its sides in pixels."""

    path: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Face:
    """What the pages of a brand show of it."""

    name: str = ""
    language: str = DEFAULT
    colours: Palette | None = None
    logo: Logo | None = None
    support_url: str = ""
    support_email: str = ""

    @property
    def can_be_asked(self) -> bool:
        """Whether the brand says how to reach it."""
        return bool(self.support_url or self.support_email)


#: The face of nobody.
NONE = Face()


def face_of(brand: UUID) -> Face:
    """Return a brand's face. Raises ``Unavailable``."""
    return _known.get(brand, lambda: _ask(brand))


def logo_of(brand: UUID, sha256: str) -> bytes | None:
    """Return the brand's present logo if it has this hash. Raises ``Unavailable``."""
    row = fetch_one(_LOGO, (brand, sha256))
    return bytes(row[0]) if row else None


def _ask(brand: UUID) -> Face:
    row = fetch_one(_FACE, (brand,))
    return _read(*row) if row else NONE


def _read(
    name: str,
    language: str,
    accent: str,
    support_url: str,
    support_email: str,
    *logo: str | int | None,
) -> Face:
    sha256, width, height = logo
    return Face(
        name,
        language,
        palette(accent) if accent else None,
        Logo(f"/p/logo/{sha256}.png", int(width or 0), int(height or 0)) if sha256 else None,
        support_url,
        support_email,
    )
