"""Whatever colour a brand chose, its pages can be read."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.colours import CONTRAST, DARK, LIGHT, contrast, palette

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777")
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert contrast("#123456", "#123456") == 1


@given(colours)
def test_text_and_links_can_be_read_in_light_and_dark(accent: str):
    derived = palette(accent)
    assert derived.ground == accent
    assert contrast(derived.ground, derived.on_ground) >= CONTRAST
    assert contrast(derived.link_in_light, LIGHT) >= CONTRAST
    assert contrast(derived.link_in_dark, DARK) >= CONTRAST


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert palette("#0b4a8f").link_in_light == "#0b4a8f"
    assert palette("#9cc7ff").link_in_dark == "#9cc7ff"
