"""Reads an uploaded logo: a small PNG, of which only what draws the picture is kept.

Whatever else a file may carry (place and time of a photo, an author's name, text, an animation)
is left out, so that the public page shows nothing that its brand did not mean to show. Source: PNG
Specification, third edition, sections 5 and 11.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

#: What may be uploaded: bytes, and pixels a side.
LARGEST_BYTES = 20_000
SMALLEST_SIDE, LARGEST_SIDE = 16, 1024

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"gAMA", b"sRGB", b"PLTE", b"tRNS", b"IDAT", b"IEND")
#: Length, name and checksum of a chunk.
_FRAME = 12


class Logo(NamedTuple):
    """A picture as it is stored and served; its sides are in pixels."""

    image: bytes
    width: int
    height: int


def check_size(size: int) -> None:
    """Raise ``ValueError`` for a file of more bytes than a logo may have, without reading it."""
    if size > LARGEST_BYTES:
        raise ValueError(f"The logo may have {LARGEST_BYTES:,} bytes at most, not {size:,}.")


def read_logo(data: bytes) -> Logo:
    """Return the logo in an uploaded file. Raises ``ValueError`` with what to do about it."""
    check_size(len(data))
    if not data.startswith(_SIGNATURE):
        raise ValueError("The logo must be a PNG file.")
    chunks = list(_chunks(data))
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or b"IDAT" not in names:
        raise ValueError("The PNG file is incomplete: save it again.")
    width, height = struct.unpack(">II", chunks[0][1][:8])
    for side in (width, height):
        if not SMALLEST_SIDE <= side <= LARGEST_SIDE:
            raise ValueError(
                f"The logo is {width} by {height} pixels; each side may have"
                f" {SMALLEST_SIDE} to {LARGEST_SIDE}."
            )
    kept = b"".join(_framed(name, body) for name, body in chunks if name in _KEPT)
    return Logo(_SIGNATURE + kept, width, height)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and contents up to the end chunk; what follows it is no part of the picture."""
    at = len(_SIGNATURE)
    while len(data) >= at + _FRAME:
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at : at + length + _FRAME] != _framed(name, body):
            raise ValueError("The PNG file is damaged: save it again.")
        yield name, body
        if name == b"IEND":
            return
        at += length + _FRAME


def _framed(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
