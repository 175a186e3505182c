"""The text of a unit's code as SQL, for statements that make many of them. Pure.

The same rule as ``minting.serials.resolver_url`` in Python; a test holds the two together.
"""

from typing import NamedTuple

KNOWN_RULE = 1


class UrlParts(NamedTuple):
    """What a URL is made of: ``start``, the lot's path if any, ``middle``, and the unit's name.

    ``name`` is SQL over a row ``unit`` of ``minting_mintunit``.
    """

    start: str
    middle: str
    name: str


def path_segment(value: str) -> str:
    """Return SQL that percent-encodes as ``urllib.parse.quote(value, safe="")`` does.

    ``value`` is a column or a placeholder.
    """
    unreserved = "A-Za-z0-9_.~-"
    return rf"""
    case when {value} ~ '^[{unreserved}]*$' then {value}
         else (select string_agg(
                          case when letter ~ '[{unreserved}]' then letter
                               else regexp_replace(upper(encode(convert_to(letter, 'UTF8'), 'hex')),
                                                   '(..)', '%%\1', 'g') end, '' order by place)
                 from string_to_table({value}, null) with ordinality as letters (letter, place))
    end"""  # noqa: S608 - ``value`` is a column or a placeholder


#: Of a row ``minting_mintlot``; null where the lot has no code.
LOT_PATH = f"case when lot_code <> '' then '/10/' || {path_segment('lot_code')} end"
# Under a GTIN a unit is named by its stored serial, else by its token.
_NAME = f"""
    case when unit.serial <> '' then {path_segment("unit.serial")} else unit.token end"""


def url_parts(*, base: str, gtin: str | None, rule: int) -> UrlParts:
    """Return what the URLs of a batch are made of; only under a GTIN do they name a lot."""
    if rule != KNOWN_RULE:
        raise ValueError(f"resolver URL rule {rule} is not known")
    if gtin is None:
        return UrlParts(base, "/mu/", "unit.token")
    return UrlParts(f"{base}/01/{gtin}", "/21/", _NAME)
