"""How a brand presents itself on its public pages: name, colour, logo, language, whom to ask.

Remembered for some seconds in each process, like its hosts: it changes rarely and is asked for
with every page.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from resolver.colours import Palette, palette
from resolver.database import fetch_one
from resolver.languages import DEFAULT

#: How long a brand's face is remembered, and how many are.
REMEMBERED_SECONDS = 5.0
REMEMBERED_BRANDS = 1024

_FACE = """
select brand.name, brand.default_locale, brand.accent_colour, brand.support_url,
       brand.support_email, logo.sha256, logo.width, logo.height
  from brands_brand as brand left join brands_brandlogo as logo on logo.brand_id = brand.id
 where brand.id = %s
"""
_LOGO = "select image from brands_brandlogo where brand_id = %s and sha256 = %s"

_known: dict[UUID, tuple[float, "Face"]] = {}


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
    now = time.monotonic()
    known = _known.get(brand)
    if known and known[0] > now:
        return known[1]
    row = fetch_one(_FACE, (brand,))
    face = _read(*row) if row else NONE
    if len(_known) >= REMEMBERED_BRANDS:
        _known.clear()
    _known[brand] = now + REMEMBERED_SECONDS, face
    return face


def logo_of(brand: UUID, sha256: str) -> bytes | None:
    """Return the brand's present logo if it has this hash. Raises ``Unavailable``."""
    row = fetch_one(_LOGO, (brand, sha256))
    return bytes(row[0]) if row else None


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
