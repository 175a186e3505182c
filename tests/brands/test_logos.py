"""Which files become a logo, and what of them is kept."""

import pytest

from tests.resolver.logos import END, chunk, png
from tieback.brands.logos import LARGEST_BYTES, read_logo


def test_a_png_is_taken_as_it_is():
    logo = read_logo(png(64, 24))
    assert (logo.image, logo.width, logo.height) == (png(64, 24), 64, 24)


def test_what_draws_nothing_is_left_out():
    told = png(64, 24, chunk(b"tEXt", b"Author\x00Somebody"), chunk(b"eXIf", b"MM\x00*place"))
    assert read_logo(told).image == png(64, 24)
    assert read_logo(png() + b"<script>alert(1)</script>").image == png()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "must be a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "must be a PNG"),
        (b"GIF89a", "must be a PNG"),
        (png()[:-5], "incomplete"),
        (png().replace(END, b""), "incomplete"),
        (png()[:40] + b"\xff" + png()[41:], "damaged"),
        (png(8, 24), "16 to 1024"),
        (png(24, 2000), "16 to 1024"),
        (png() + b"\x00" * LARGEST_BYTES, "20,000 bytes at most"),
    ],
    ids=["nothing", "svg", "gif", "cut", "no end", "damaged", "narrow", "tall", "big"],
)
def test_another_file_is_refused_with_what_to_do(data: bytes, says: str):
    with pytest.raises(ValueError, match=says):
        read_logo(data)
