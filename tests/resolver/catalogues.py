"""The texts of the public pages and their translations, found and compiled without gettext's tools.

``python -m tests.resolver.catalogues`` brings the catalogues (``resolver/locale``) up to date: it
adds the texts that the code has gained, takes out those that are gone, and compiles. A translator
then fills in what is empty and runs it again. The English one holds only codes and names that read
badly as the schemas have them; entries are added to it by hand.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from minting.passport_schema import CATEGORIES, load
from resolver.languages import OFFERED
from resolver.link_types import LINK_TYPES
from resolver.linkset import OF_BATCH, OF_LOT, OF_UNIT

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "resolver" / "locale"
#: The texts are written in English, so its catalogue holds few.
ENGLISH = "en"
TRANSLATED = sorted(set(OFFERED) - {ENGLISH})
FIELD, VALUE = "passport field", "passport value"
LINK_TYPE, LINKED = "link type", "linked thing"

_KEYWORDS = ("gettext", "pgettext", "npgettext")
_IN_TEMPLATE = re.compile(r"""\b(?:_|gettext)\(u?(?P<quote>['"])(?P<text>.*?)(?P=quote)\)""")
#: Codes that are the same in every language: countries, classes, chemical symbols, temperatures.
_SAME_EVERYWHERE = re.compile(r"[A-Z]{1,2}|Pb|Cd|[0-9]+")

#: Context, text, and the text for several where there is one.
Message = tuple[str | None, str, str | None]


def messages() -> set[Message]:
    """Return every text that the pages may show, but for what brands wrote."""
    return {*_of_code(), *_of_templates(), *_of_schemas(), *_of_links()}


def catalogue(language: str) -> Catalog:
    """Return the committed catalogue of a language."""
    return read_po(io.BytesIO(_po(language).read_bytes()), locale=language)


def compiled(language: str) -> Catalog:
    """Return what is compiled of a language."""
    return read_mo(io.BytesIO(_po(language).with_suffix(".mo").read_bytes()))


def said(of: Catalog) -> dict[tuple[str | None, str], object]:
    """Return the translations of a catalogue by context and text, without what is empty."""
    found: dict[tuple[str | None, str], object] = {}
    for message in of:
        if message.id and message.string:
            text = message.id[0] if message.pluralizable else message.id
            forms = tuple(message.string) if message.pluralizable else message.string
            found[_text(message.context), text] = forms
    return found


def _text(context: str | bytes | None) -> str | None:
    """Return a context as text; what is read from a compiled catalogue is bytes."""
    return context.decode() if isinstance(context, bytes) else context


def _po(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def _of_code() -> Iterator[Message]:
    for path in sorted((ROOT / "resolver").glob("*.py")):
        found = extract_python(io.BytesIO(path.read_bytes()), _KEYWORDS, (), {})
        for _, keyword, called_with, _ in found:
            texts = called_with if isinstance(called_with, tuple) else (called_with,)
            context, *forms = texts if keyword != "gettext" else (None, *texts)
            forms = forms[:2] if keyword == "npgettext" else forms[:1]
            if all(isinstance(text, str) for text in forms):
                yield context, forms[0], forms[1] if len(forms) > 1 else None


def _of_templates() -> Iterator[Message]:
    from django.utils.translation.template import templatize

    for path in sorted((ROOT / "templates" / "resolver").glob("*.html")):
        for found in _IN_TEMPLATE.finditer(templatize(path.read_text(encoding="utf-8"))):
            yield None, found["text"], None


def _of_schemas() -> Iterator[Message]:
    for category in CATEGORIES:
        for field in load(category).fields.values():
            if field.lifecycle == "static":
                yield FIELD, field.label, None
                yield from _of_shape(field.shape)


def _of_shape(shape: dict) -> Iterator[Message]:
    from resolver.facts import label_of_part

    for name, part in shape.get("properties", {}).items():
        yield FIELD, label_of_part(name, part), None
        yield from _of_shape(part)
    if "items" in shape:
        yield from _of_shape(shape["items"])
    for value in shape.get("enum", ()):
        if isinstance(value, str) and not _SAME_EVERYWHERE.fullmatch(value):
            yield VALUE, value.replace("_", " "), None


def _of_links() -> Iterator[Message]:
    for label in LINK_TYPES.values():
        yield LINK_TYPE, label, None
    for words in (OF_UNIT, OF_LOT, OF_BATCH):
        yield LINKED, words, None


def update(language: str) -> None:
    """Write a language's catalogue with the texts of today, and compile it."""
    path = _po(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = catalogue(language) if path.exists() else Catalog(locale=language)
    fresh = Catalog(
        locale=language, project="tieback", fuzzy=False, header_comment="# Texts of public pages."
    )
    for context, text, several in sorted(messages(), key=lambda m: (m[0] or "", m[1])):
        before = known.get(text, context)
        if language == ENGLISH and not before:
            continue
        fresh.add(
            (text, several) if several else text,
            before.string if before else None,
            context=context,
        )
    buffer = io.BytesIO()
    write_po(buffer, fresh, width=100, omit_header=False, sort_output=False)
    lines = buffer.getvalue().decode().splitlines()
    # Dates and names of tools would change with every run.
    kept = [
        line
        for line in lines
        if not re.match(r'"(POT?-|Generated|Last-T|Language-T|Report|Proj)', line)
    ]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    finished = catalogue(language)
    # Else each run would make another file.
    finished.creation_date = finished.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    buffer = io.BytesIO()
    write_mo(buffer, finished)
    path.with_suffix(".mo").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    import django

    django.setup()
    for each in OFFERED:
        update(each)
