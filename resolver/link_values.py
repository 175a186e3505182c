"""What the single values of a link may look like, for the API and the console alike. Pure.

Sources: RFC 3986 (URI) and RFC 6570 level 1 (URI template) for targets, BCP 47 (RFC 5646) for
languages, RFC 6838 section 4.2 for media types.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from minting.catalogue.values import InvalidValue

LONGEST_TARGET = 2000
LONGEST_TITLE = 200
LONGEST_LANGUAGE = 35
LONGEST_MEDIA_TYPE = 127
HTML = "text/html"

#: What a target may name of the thing that was scanned.
VARIABLES = ("gtin", "lot", "serial", "token")

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_NOT_IN_URIS = re.compile(r"[^!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%(?![0-9A-Fa-f]{2})")
_ORIGIN = re.compile(r"(https?)://([^/?#]*)")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(.*))?")
_HOST = re.compile(
    r"(?:(?!-)[0-9a-z-]{1,63}(?<!-)\.)*(?!-)[0-9a-z-]{1,63}(?<!-)|\[[0-9a-f:.]{2,45}\]"
)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LARGEST_PORT = 65_535
_LONGEST_HOST = 253

_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[0-9a-z]{5,8}|[0-9][0-9a-z]{3}))*)",
    re.IGNORECASE,
)
_MEDIA_NAME = r"[0-9A-Za-z][0-9A-Za-z!#$&^_.+\-]{0,62}"
_MEDIA_TYPE = re.compile(f"{_MEDIA_NAME}/{_MEDIA_NAME}")


def target_template(text: str) -> str:
    """Return the template of a link's target. Raises ``InvalidValue``.

    An absolute http or https address; where it leads is settled before anything is filled in:
    variables stand in its path, query or fragment only.
    """
    target = text.strip()
    if not target:
        raise InvalidValue("BLANK", "Must not be empty.")
    if len(target) > LONGEST_TARGET:
        raise InvalidValue("MAX_LENGTH", f"May have at most {LONGEST_TARGET} characters.")
    _check_variables(target)
    origin = _ORIGIN.match(target)
    if origin and not origin[2].isascii():
        raise InvalidValue(
            "INVALID", "Write an international host name in its ASCII form, which begins with xn--."
        )
    # What is filled in may be anything, so no percent sign stands before it or goes on behind it.
    bare = _VARIABLE.sub("_", target)
    if found := _NOT_IN_URIS.search(bare):
        raise InvalidValue(
            "INVALID",
            f"{found[0]!r} cannot stand in a URL: write it percent-encoded.",
        )
    if origin is None:
        raise InvalidValue("INVALID", "Must be an address that begins with https:// or http://.")
    _check_authority(origin[2])
    _check_rest(target[origin.end() :])
    return target


def variables_of(target: str) -> frozenset[str]:
    """Return what must be known of a thing to fill a sound template in."""
    return frozenset(_VARIABLE.findall(target))


def filled(target: str, values: Mapping[str, str]) -> str:
    """Return a sound template with its variables filled in, each percent-encoded.

    Raises ``KeyError`` where one of them is not among the values.
    """
    return _VARIABLE.sub(lambda found: quote(values[found[1]], safe=""), target)


def with_query(target: str, query: str) -> str:
    """Return a target with a request's query behind its own, before its fragment."""
    if not query:
        return target
    rest, mark, fragment = target.partition("#")
    joint = "&" if "?" in rest and not rest.endswith(("?", "&")) else "" if "?" in rest else "?"
    return f"{rest}{joint}{query}{mark}{fragment}"


def host_of(target: str) -> tuple[str, str]:
    """Return a sound target's host with its port, if it names one, and without, in lower case."""
    whole = urlsplit(target)
    return whole.netloc.lower(), whole.hostname or ""


def language_tag(text: str) -> str:
    """Return a language tag in its usual case (``de-AT``, ``zh-Hant``); empty for any language.

    Raises ``InvalidValue``.
    """
    tag = text.strip()
    if not tag:
        return ""
    read = _LANGUAGE.fullmatch(tag)
    if read is None or len(tag) > LONGEST_LANGUAGE:
        raise InvalidValue("INVALID", "Must be a language tag of BCP 47, such as de or pt-BR.")
    parts = (
        read["language"].lower(),
        (read["script"] or "").title(),
        (read["region"] or "").upper(),
    )
    return "-".join(filter(None, parts)) + read["variants"].lower()


def media_type_of(text: str) -> str:
    """Return a media type in lower case; empty means HTML. Raises ``InvalidValue``."""
    given = text.strip()
    if not given:
        return HTML
    if not _MEDIA_TYPE.fullmatch(given):
        raise InvalidValue(
            "INVALID", "Must be a media type without parameters, such as application/pdf."
        )
    return given.lower()


def _check_variables(target: str) -> None:
    if unknown := sorted(variables_of(target) - set(VARIABLES)):
        known = ", ".join(f"{{{name}}}" for name in VARIABLES)
        raise InvalidValue("INVALID", f"{{{unknown[0]}}} is not known. Known: {known}.")
    if re.search(r"[{}]", _VARIABLE.sub("", target)):
        raise InvalidValue("INVALID", "A brace is not closed, or is closed without being opened.")


def _check_rest(rest: str) -> None:
    """Refuse signs that stand nowhere behind the host (RFC 3986, sections 3.3 to 3.5)."""
    if found := re.search(r"[\[\]]", rest) or re.search("#.*(#)", rest):
        sign = found[found.lastindex or 0]
        raise InvalidValue(
            "INVALID", f"{sign!r} cannot stand there in a URL: write it percent-encoded."
        )


def _check_authority(authority: str) -> None:
    """Refuse what hides where a link leads: a name before the host, or a host that is filled in."""
    if "@" in authority:
        raise InvalidValue("INVALID", "May name no user or password before the host.")
    if "{" in authority:
        raise InvalidValue("INVALID", "Variables may stand after the host only.")
    found = _AUTHORITY.fullmatch(authority)
    host, port = found.groups() if found else ("", None)
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host.lower()):
        raise InvalidValue("INVALID", "Must name a host, such as www.example.com.")
    if port is not None and not (_PORT.fullmatch(port) and int(port) <= _LARGEST_PORT):
        raise InvalidValue("INVALID", "The port must be a number from 1 to 65535.")
