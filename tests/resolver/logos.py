"""Logos for tests, drawn here, stored as the console stores them."""

import hashlib
import struct
import zlib

from tests.factories import BrandWorld
from tests.planes import acting_as
from tieback.brands.logos import read_logo
from tieback.brands.models import BrandLogo
from tieback.brands.scoping import all_brands

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 64, height: int = 24, *more: bytes) -> bytes:
    """Return a picture of one colour; ``more`` are chunks between its head and its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = (b"\x00" + b"\x0b\x4a\x8f" * width) * height
    return SIGNATURE + head + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + END


END = chunk(b"IEND", b"")


def put_logo(world: BrandWorld) -> BrandLogo:
    """Store a logo for the brand, as an operator does."""
    logo = read_logo(png())
    with acting_as("console"), all_brands():
        return BrandLogo.objects.create(
            brand=world.brand,
            image=logo.image,
            sha256=hashlib.sha256(logo.image).hexdigest(),
            width=logo.width,
            height=logo.height,
        )
