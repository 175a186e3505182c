"""Answers a scan: a plain WSGI callable that stands in front of Django.

No request object, middleware, session or URLconf takes part; those cost more than the lookup.
Paths that are no codes go on to Django.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

from django.conf import settings

from resolver import pages
from resolver.agents import kind_of
from resolver.attributes import UnsoundAttribute, attributes_of
from resolver.compression import decompress
from resolver.cross_origin import ALLOW, PREFLIGHT
from resolver.database import Unavailable
from resolver.digital_link import (
    RAW_PATH,
    Code,
    DigitalLink,
    MalformedCode,
    NotACode,
    ShortGtin,
    other_readings,
    parse,
)
from resolver.faces import face_of
from resolver.finding import NOTHING, PARAMETER, signed
from resolver.hosts import KnownHost, known_host
from resolver.languages import DEFAULT, chosen
from resolver.link_answers import (
    HAS_LINKSET,
    NEGOTIATED,
    Shown,
    Told,
    Way,
    answer,
    concerns_links,
    reads_links,
)
from resolver.links import item_of_unit
from resolver.lookup import ScannedUnit, find_group, find_unit, names_of
from resolver.misses import seconds_to_wait
from resolver.private_query import PrivateQuery, split
from resolver.recording import Scan, note_unknown, scan_of
from resolver.scan import look
from resolver.staff_scans import LinkRefused, check
from resolver.traffic import TrafficClass, classify
from tieback.metrics import SCANS

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], object]

_Headers = tuple[tuple[str, str], ...]
_Redirect = tuple[str, _Headers]

_METHODS = ("GET", "HEAD")
_LINKSET = (("Link", HAS_LINKSET),)
_SAFE_IN_QUERY = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

_rewritten = SCANS.labels("rewritten")
_scans = {
    outcome: SCANS.labels(outcome)
    for outcome in ("redirected", "activated", "activation_failed", "tested")
}


class _Path(NamedTuple):
    """A code's path, percent-decoded; and as it came, where that has an encoded slash."""

    decoded: str
    raw: str | None


def in_front_of(django: Callable[..., object]) -> Application:
    """Return an application that answers codes itself and hands everything else to Django."""
    always = _headers_of_every_answer()
    # The first person to scan does not wait for the patterns of agents to be made.
    kind_of("")

    def application(environ: Environ, start_response: StartResponse) -> object:
        try:
            reply = _answer(environ)
        except NotACode:
            return django(environ, start_response)
        if isinstance(reply, _Page):
            return reply.send(environ, start_response, always)
        location, more = reply
        headers = [("Location", location), ("Content-Length", "0"), *more, *always]
        start_response("307 Temporary Redirect", headers)
        return [b""]

    return application


def _answer(environ: Environ) -> "_Redirect | _Page":
    """Return where to go, or the page that says why not."""
    given = _printable(environ.get("QUERY_STRING", ""))
    private = split(given)
    query = private.passed_on
    if query != given:
        environ["QUERY_STRING"] = query
    try:
        return _resolve(environ, private)
    except ShortGtin as error:
        if query != given:
            # The way to the right form would lose what no address may carry.
            path, raw = _path_of(error.meant)
            right = {"PATH_INFO": path, RAW_PATH: raw, "QUERY_STRING": given}
            return _answer({**environ, **right})
        _rewritten.inc()
        return _with_query(error.meant.canonical, query), ()
    except MalformedCode as error:
        meant = _with_query(error.meant.canonical, query) if error.meant else None
        return _held_back(environ) or _malformed(str(error), meant)
    except UnsoundAttribute as error:
        return _held_back(environ) or _malformed(str(error))
    except Unavailable:
        return _UNAVAILABLE


def _resolve(environ: Environ, private: PrivateQuery) -> "_Redirect | _Page":
    try:
        code, path, query, more = _read(environ, private.passed_on)
    except ShortGtin:
        if isinstance(refused := _host_of(environ), _Page):
            return refused
        raise
    known = _host_of(environ, query, code)
    if isinstance(known, _Page):
        return known
    is_test = _is_test(known.brand, path, code, private.test_link)
    traffic = TrafficClass.TEST if is_test else _traffic(environ, query)
    scan = scan_of(environ, traffic, known.counted_only)
    found = _find(known.brand, path, code, scan)
    if found is None:
        return _held_back(environ) or _unknown(known.brand, path.decoded, scan)
    way: Way | None = None
    if concerns_links(environ, query, known.brand):
        told = answer(environ, query, known.brand, found, code)
        if isinstance(told, Told | Shown):
            return _told(known.brand, told, more)
        way, more = told, (*more, NEGOTIATED)
    private = private._replace(passed_on=query)
    if isinstance(found, ScannedUnit):
        leads_to = _scanned(known.brand, found, private, scan, way, more)
        return leads_to if isinstance(leads_to, _Page) else (leads_to, more)
    _scans["redirected"].inc()
    return way.location if way else _with_query(f"/p{found.canonical}", query), more


def _host_of(environ: Environ, query: str = "", code: Code | None = None) -> "KnownHost | _Page":
    """Return what is known of the host that is asked, or what is answered before it matters.

    Raises ``UnsoundAttribute``.
    """
    if environ["REQUEST_METHOD"] not in _METHODS:
        return _OPTIONS if environ["REQUEST_METHOD"] == "OPTIONS" else _NOT_ALLOWED
    if query and isinstance(code, DigitalLink):
        attributes_of(query, has_extension=code.extension is not None)
    return known_host(environ.get("HTTP_HOST", "")) or _NO_SUCH_HOST


def _traffic(environ: Environ, query: str) -> TrafficClass:
    """Return who asks, before it is known for what."""
    # Who asks for links reads them, and holds no item in a hand.
    return TrafficClass.MACHINE if reads_links(environ, query) else classify(environ)


def _is_test(brand: UUID, path: _Path, code: Code, test_link: str | None) -> bool:
    """Tell whether staff scan: before anything is written down, the link's unit has to be known."""
    unit = None if test_link is None else _find(brand, path, code, None)
    if test_link is None or not isinstance(unit, ScannedUnit):
        return False
    try:
        check(unit.token, test_link, settings.TIEBACK_TEST_LINK_PUBLIC_KEYS)
    except LinkRefused:
        return False
    return True


def _told(brand: UUID, told: Told | Shown, more: _Headers) -> "_Page":
    if isinstance(told, Shown):
        preferred = face_of(brand).language
        return _Page(
            told.status, told.outcome, told.page, *more, preferred=preferred, vary=NEGOTIATED
        )
    links = ", ".join(filter(None, (dict(more)["Link"], told.link)))
    headers = (("Link", links), NEGOTIATED)
    return _Document(told, *headers)


def _scanned(
    brand: UUID,
    unit: ScannedUnit,
    private: PrivateQuery,
    scan: Scan,
    way: Way | None,
    more: _Headers,
) -> "str | _Page":
    """Return where a unit leads: to its page, which is told what the scan found, or to a link."""
    try:
        seen = look(brand, unit, private, scan)
    except LinkRefused as error:
        return _Page(HTTPStatus.FORBIDDEN, "test_refused", pages.test_refused(str(error)))
    if scan.traffic is TrafficClass.LINK_PREVIEW:
        link = ("Link", dict(more)["Link"])
        return _Page(HTTPStatus.OK, "previewed", pages.preview(*names_of(unit.id)), link)
    _scans[seen.outcome].inc()
    if way and not seen.finding.is_for_the_page:
        return way.location
    query = private.passed_on
    if seen.finding != NOTHING:
        found = f"{PARAMETER}={signed(unit.token, seen.finding)}"
        query = f"{query}&{found}" if query else found
    return _with_query(f"/p/{unit.token}", query)


def _path_of(link: DigitalLink) -> _Path:
    raw = link.canonical
    return _Path(unquote(raw), raw if "%2F" in raw else None)


def _read(environ: Environ, query: str) -> tuple[Code, _Path, str, _Headers]:
    """Return the code, its path and query uncompressed, and what to say beside the answer."""
    path = _Path(environ["PATH_INFO"], environ.get(RAW_PATH))
    try:
        return parse(*path), path, query, _LINKSET
    except (NotACode, MalformedCode):
        compressed = decompress(path.decoded)
        if compressed is None:
            raise
    link, inside = compressed
    # What no address may carry is nothing to compress.
    inside = split(inside).passed_on
    more = (_same_as(environ, _with_query(link.canonical, inside)),)
    return link, _path_of(link), "&".join(filter(None, (inside, query))), more


def _same_as(environ: Environ, path: str) -> tuple[str, str]:
    """Return the header that names the uncompressed code; only known hosts are answered with it."""
    base = f"{settings.TIEBACK_RESOLVER_SCHEME}://{environ.get('HTTP_HOST')}"
    return "Link", f'<{base}{path}>; rel="owl:sameAs", {HAS_LINKSET}'


def _find(brand: UUID, path: _Path, code: Code, scan: Scan | None) -> ScannedUnit | Code | None:
    """Look the code up, then what else its path may mean. Raises as ``other_readings`` does.

    Returns the unit, or the code of a product, lot or batch that has a page.
    """
    found = _look_up(brand, code, scan)
    if found is not None:
        return found
    for other in other_readings(*path, code):
        if found := _look_up(brand, other, scan):
            return found
    return None


def _look_up(brand: UUID, code: Code, scan: Scan | None) -> ScannedUnit | Code | None:
    if isinstance(code, DigitalLink) and code.is_guess and not _bears_out(brand, code):
        return None
    unit = find_unit(brand, code, scan)
    if unit is not None:
        return unit
    return code if find_group(brand, code, scan) else None


def _bears_out(brand: UUID, guess: DigitalLink) -> bool:
    """Tell whether every value with a slash is one that is known. No scan is written down."""
    if any(value and "/" in value for value in (guess.variant, guess.extension)):
        return False
    if guess.serial is None:
        group = find_group(brand, guess)
        return group is not None and group.lot is not None
    unit = find_unit(brand, guess)
    if unit is None:
        return False
    return "/" not in (guess.lot or "") or item_of_unit(unit.id).lot == guess.lot


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _malformed(reason: str, meant: str | None = None) -> "_Page":
    return _Page(HTTPStatus.BAD_REQUEST, "malformed", pages.malformed(reason, meant))


def _printable(query: str) -> str:
    """Return the query as it came, unless it holds what a header must not."""
    if query.isascii() and query.isprintable() and " " not in query:
        return query
    return quote(query, safe=_SAFE_IN_QUERY, encoding="latin-1", errors="replace")


def _unknown(brand: UUID, path: str, scan: Scan) -> "_Page":
    note_unknown(brand, path, scan)
    face = face_of(brand)
    page = pages.unknown(face)
    return _Page(HTTPStatus.NOT_FOUND, "unknown", page, preferred=face.language)


def _held_back(environ: Environ) -> "_Page | None":
    """Count a miss of the network that asks; return what it gets once it has missed too often."""
    seconds = seconds_to_wait(environ)
    if not seconds:
        return None
    later = ("Retry-After", str(seconds))
    return _Page(HTTPStatus.TOO_MANY_REQUESTS, "too_many", pages.TOO_MANY, later)


class _Page:
    """An answer other than the redirect, in the language of whoever asks."""

    def __init__(
        self,
        status: HTTPStatus,
        outcome: str,
        page: pages.Page | None,
        *more: tuple[str, str],
        preferred: str = DEFAULT,
        vary: tuple[str, str] = ("Vary", pages.VARY),
    ):
        self._status = f"{status.value} {status.phrase}"
        self._counter = SCANS.labels(outcome)
        self._page = page
        self._headers = more
        self._preferred = preferred
        self._vary = vary

    def send(
        self, environ: Environ, start_response: StartResponse, always: list[tuple[str, str]]
    ) -> Iterable[bytes]:
        """Count the answer and give it; HEAD gets its headers only."""
        self._counter.inc()
        body, of_body = self._written(self._page, environ) if self._page else (b"", ())
        start_response(self._status, [*of_body, *self._headers, *always])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _written(self, page: pages.Page, environ: Environ) -> tuple[bytes, _Headers]:
        query, accepted = environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT_LANGUAGE", "")
        language = chosen(query, accepted, self._preferred).tag
        body = page(language)
        more = (("Content-Language", language), self._vary)
        return body, (*_of_body(body, "text/html; charset=utf-8"), *more)


class _Document(_Page):
    """What programs are told of a code's links, in the media type asked for and in English."""

    def __init__(self, told: Told, *more: tuple[str, str]):
        super().__init__(told.status, told.outcome, lambda _: told.body, *more)
        self._media_type = told.media_type

    def _written(self, page: pages.Page, environ: Environ) -> tuple[bytes, _Headers]:
        body = page(DEFAULT)
        return body, _of_body(body, self._media_type)


def _of_body(body: bytes, media_type: str) -> _Headers:
    return (
        ("Content-Type", media_type),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", pages.POLICY),
    )


_NO_SUCH_HOST = _Page(HTTPStatus.NOT_FOUND, "no_such_host", pages.NO_SUCH_HOST)
_NOT_ALLOWED = _Page(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method_not_allowed",
    pages.NOT_ALLOWED,
    ALLOW,
)
# What a browser asks before a page of another site may read a code.
_OPTIONS = _Page(
    HTTPStatus.NO_CONTENT,
    "options",
    None,
    *PREFLIGHT,
    *_LINKSET,
)
_UNAVAILABLE = _Page(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable",
    pages.UNAVAILABLE,
    ("Retry-After", pages.RETRY_AFTER_SECONDS),
)


def _headers_of_every_answer() -> list[tuple[str, str]]:
    headers = [
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        # A code is for everybody, and no answer depends on who is signed in anywhere.
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "Link, Location, Retry-After"),
    ]
    if settings.SECURE_HSTS_SECONDS:
        value = f"max-age={settings.SECURE_HSTS_SECONDS}"
        headers.append(("Strict-Transport-Security", value))
    return headers
