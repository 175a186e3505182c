"""Derives colours that can be read from the one a brand chose. Pure.

Text and its ground keep a contrast of at least 4.5 to 1, whatever the colour: WCAG 2.2, success
criterion 1.4.3, level AA.
"""

from dataclasses import dataclass

CONTRAST = 4.5
#: The grounds that links stand on, as templates/resolver/page.css has them.
LIGHT, DARK = "#ffffff", "#16181b"

_BLACK, _WHITE = "#000000", "#ffffff"
_STEPS = 20
_CURVES = 0.04045


@dataclass(frozen=True, slots=True)
class Palette:
    """What a page is coloured with, each as ``#rrggbb``."""

    ground: str
    on_ground: str
    link_in_light: str
    link_in_dark: str


def palette(accent: str) -> Palette:
    """Return the colours for an accent: its own ground with text, and links on either page."""
    return Palette(
        ground=accent,
        # Black or white: against any colour one of them has more than 4.58 to 1.
        on_ground=max(_BLACK, _WHITE, key=lambda text: contrast(text, accent)),
        link_in_light=_readable(accent, on=LIGHT, towards=_BLACK),
        link_in_dark=_readable(accent, on=DARK, towards=_WHITE),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, *, on: str, towards: str) -> str:
    """Mix in black or white, no more than it takes."""
    mixes = (_mixed(colour, towards, step / _STEPS) for step in range(_STEPS))
    return next((mix for mix in mixes if contrast(mix, on) >= CONTRAST), towards)


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    # The two halves of the sRGB curve, as the guidelines give it.
    return value / 12.92 if value <= _CURVES else float(((value + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
