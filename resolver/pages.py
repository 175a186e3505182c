"""The few fixed pages of the public plane, ready as bytes in each language.

They name nothing of the inside, and need neither the database nor a template when they are sent.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path

from django.utils.translation import gettext, override

from resolver.faces import NONE, Face
from resolver.languages import OFFERED

RETRY_AFTER_SECONDS = "5"

#: A page: its bytes in the language of a tag.
Page = Callable[[str], bytes]

_STYLE = (Path(__file__).parent.parent / "templates/resolver/page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: What these pages may do: be drawn in their own style, which never changes while a process runs.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
VARY = "Accept-Language"

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">\
<link rel="icon" href="data:,"><title>{title}</title><style>{style}</style></head>
<body><main><h1>{title}</h1>{words}{more}</main></body>
</html>
"""
_PREVIEW = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><title>{title}</title>\
<meta name="description" content="{words}"><meta name="robots" content="noindex">\
<meta property="og:type" content="website"><meta property="og:title" content="{title}">\
<meta property="og:site_name" content="{brand}"><meta property="og:description" content="{words}">\
<meta name="twitter:card" content="summary"></head>
<body><main><h1>{title}</h1><p>{words}</p></main></body>
</html>
"""


def _paragraph(*sentences: str) -> str:
    return f"<p>{' '.join(escape(sentence, quote=False) for sentence in sentences)}</p>"


def whole_page(language: str, title: str, words: str, more: str = "") -> bytes:
    """Return a page of one heading and paragraphs given as HTML."""
    return _PAGE.format(
        language=language,
        direction=OFFERED[language].direction,
        style=_STYLE,
        title=escape(title, quote=False),
        words=words,
        more=more,
    ).encode()


def _in_each_language(make: Callable[[str], bytes]) -> dict[str, bytes]:
    """Make a page once in each language, at start."""
    pages = {}
    for language in OFFERED:
        with override(language):
            pages[language] = make(language)
    return pages


def _unknown(language: str) -> bytes:
    return whole_page(
        language,
        gettext("Unknown code"),
        _paragraph(gettext("No item has been issued under this code."))
        + _paragraph(
            gettext("Check that the code was read completely, or scan it again."),
            gettext("If it is on an item, ask the seller: the item may not be genuine."),
        ),
    )


def _no_such_host(language: str) -> bytes:
    return whole_page(
        language,
        gettext("Unknown address"),
        _paragraph(gettext("No brand's codes are answered at this address."))
        + _paragraph(gettext("Check that the code was read completely, or scan it again.")),
    )


def _not_allowed(language: str) -> bytes:
    return whole_page(
        language, gettext("Method not allowed"), _paragraph(gettext("A code can only be read."))
    )


def _unavailable(language: str) -> bytes:
    return whole_page(
        language,
        gettext("Not available at the moment"),
        _paragraph(gettext("The item cannot be looked up right now."))
        + _paragraph(
            gettext("This says nothing about the item."),
            gettext("Scan the code again in a moment."),
        ),
    )


def _too_many(language: str) -> bytes:
    return whole_page(
        language,
        gettext("Too many unknown codes"),
        _paragraph(gettext("Too many codes that do not exist were asked for from this network."))
        + _paragraph(
            gettext("Wait a moment."),
            gettext("Codes that exist are answered all the same."),
        ),
    )


# What a parser found wrong is said in English, and marked so.
_REASON = '<p class="why" lang="en" dir="ltr">{reason}</p>'
_MEANT = '<p><a href="{meant}">{words}</a></p>'


def _malformed(language: str) -> bytes:
    return whole_page(
        language,
        gettext("This is not a valid code"),
        _paragraph(gettext("The address in this code is not written as codes of its kind are."))
        + _paragraph(gettext("Check that the code was read completely, or scan it again.")),
        "@more@",
    )


def _test_refused(language: str) -> bytes:
    return whole_page(
        language,
        gettext("This test link is not valid"),
        "@more@"
        + _paragraph(
            gettext("Nothing was activated."),
            gettext("Ask whoever gave you the link for a new one."),
        ),
    )


_texts = {
    make: _in_each_language(make)
    for make in (
        *(_unknown, _no_such_host, _not_allowed, _unavailable),
        *(_too_many, _malformed, _test_refused),
    )
}
NO_SUCH_HOST: Page = _texts[_no_such_host].__getitem__
NOT_ALLOWED: Page = _texts[_not_allowed].__getitem__
UNAVAILABLE: Page = _texts[_unavailable].__getitem__
TOO_MANY: Page = _texts[_too_many].__getitem__


def unknown(face: Face = NONE) -> Page:
    """Return the page for a code that nobody was given, with how to reach the brand."""
    return lambda language: (
        _with_contact(_texts[_unknown][language], language, face)
        if face.can_be_asked
        else _texts[_unknown][language]
    )


def malformed(reason: str, meant: str | None = None) -> Page:
    """Return the page for a code that breaks the rules, with a link to what it may mean."""

    def page(language: str) -> bytes:
        more = _REASON.format(reason=escape(reason))
        if meant:
            with override(language):
                words = gettext("Look up the code that may be meant")
            more += _MEANT.format(meant=escape(meant), words=escape(words))
        return _texts[_malformed][language].replace(b"@more@", more.encode())

    return page


def test_refused(reason: str) -> Page:
    """Return the page for a test link that makes no test scan; nothing was activated."""
    more = _REASON.format(reason=escape(reason)).encode()
    return lambda language: _texts[_test_refused][language].replace(b"@more@", more)


def preview(product: str, brand: str) -> Page:
    """Return what messengers show of a code somebody sent: the product, and nothing of the unit."""

    def page(language: str) -> bytes:
        with override(language):
            words = gettext("Digital product passport of an item by %(brand)s.") % {"brand": brand}
        names = {"title": product, "brand": brand, "words": words}
        return _PREVIEW.format(
            language=language,
            direction=OFFERED[language].direction,
            **{name: escape(text) for name, text in names.items()},
        ).encode()

    return page


def _with_contact(page: bytes, language: str, face: Face) -> bytes:
    with override(language):
        heading = gettext("Contact %(brand)s") % {"brand": face.name}
    addresses = [face.support_url, face.support_email]
    links = [face.support_url, f"mailto:{face.support_email}" if face.support_email else ""]
    lines = "".join(
        f'<li><a dir="ltr" href="{escape(link)}" rel="noopener noreferrer nofollow">'
        f"{escape(address)}</a></li>"
        for link, address in zip(links, addresses, strict=True)
        if address
    )
    contact = f"<h2>{escape(heading)}</h2><ul>{lines}</ul></main>"
    return page.replace(b"</main>", contact.encode(), 1)
