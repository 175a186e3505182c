"""The few fixed pages of the public plane, ready as bytes. They name nothing of the inside."""

from html import escape

RETRY_AFTER_SECONDS = "5"

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">\
<title>{title}</title></head>
<body><main><h1>{title}</h1><p>{words}</p>{more}</main></body>
</html>
"""


def page(title: str, words: str, more: str = "") -> bytes:
    """Return a page of one heading, one sentence, and what else is given as HTML."""
    return _PAGE.format(title=escape(title), words=escape(words), more=more).encode()


UNKNOWN = page(
    "Unknown code",
    "No item has been issued under this code. Check that it was read completely.",
)
NO_SUCH_HOST = page(
    "Unknown address",
    "No brand's codes are answered at this address. Check that the code was read completely.",
)
NOT_ALLOWED = page("Method not allowed", "A code can only be read.")
TOO_MANY = page(
    "Too many unknown codes",
    "Too many codes that do not exist were asked for from this network. Wait a moment. Codes that"
    " exist are answered all the same.",
)
UNAVAILABLE = page(
    "Not available at the moment",
    "The item cannot be looked up right now. Scan the code again in a moment.",
)


def malformed(reason: str, meant: str | None = None) -> bytes:
    """Return the page for a code that breaks the rules, with a link to what it may mean."""
    more = (
        f'<p><a href="{escape(meant)}">Look up the code that may be meant</a></p>' if meant else ""
    )
    return page("This is not a valid code", reason, more)


def test_refused(reason: str) -> bytes:
    """Return the page for a test link that makes no test scan; nothing was activated."""
    words = f"{reason} Nothing was activated. Ask whoever gave you the link for a new one."
    return page("This test link is not valid", words)


_PREVIEW = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>\
<meta name="description" content="{words}"><meta name="robots" content="noindex">\
<meta property="og:type" content="website"><meta property="og:title" content="{title}">\
<meta property="og:site_name" content="{brand}"><meta property="og:description" content="{words}">\
<meta name="twitter:card" content="summary"></head>
<body><main><h1>{title}</h1><p>{words}</p></main></body>
</html>
"""


def preview(product: str, brand: str) -> bytes:
    """Return what messengers show of a code somebody sent: the product, and nothing of the unit."""
    words = f"Digital product passport of an item by {brand}."
    names = {"title": product, "brand": brand, "words": words}
    return _PREVIEW.format(**{name: escape(text) for name, text in names.items()}).encode()
