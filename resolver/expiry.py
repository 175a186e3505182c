"""Reads the expiry date that a code states of itself (AI 17). Pure.

Source: GS1 General Specifications, 7.12 (which century a year of two digits is in) and 3.4.7 (day
00 is the last of its month).
"""

from calendar import monthrange
from datetime import date

from resolver.attributes import UnsoundAttribute, attributes_of

#: The identifier of an expiry date.
EXPIRY = "17"
_PAST_YEARS, _FUTURE_YEARS = 49, 50


def expiry_of(query: str, today: date) -> date | None:
    """Return the date in a raw query, or None where there is none that can be trusted to be one."""
    try:
        text = attributes_of(query).get(EXPIRY)
    except UnsoundAttribute:
        return None
    if text is None:
        return None
    year, month, day = (int(text[at : at + 2]) for at in (0, 2, 4))
    year += today.year - today.year % 100
    if year - today.year > _FUTURE_YEARS:
        year -= 100
    elif today.year - year > _PAST_YEARS:
        year += 100
    last = monthrange(year, month)[1]
    return date(year, month, min(day or last, last))
