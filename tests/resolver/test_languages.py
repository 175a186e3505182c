"""Which language a page is in, and that every text is there in all of them."""

import re

import pytest
from django.utils.translation import gettext as translate
from django.utils.translation import npgettext, override, pgettext

from resolver.languages import OFFERED, chosen
from tests.resolver.catalogues import (
    ENGLISH,
    FIELD,
    TRANSLATED,
    VALUE,
    catalogue,
    compiled,
    messages,
    said,
)

each_translated = pytest.mark.parametrize("language", TRANSLATED)
each_language = pytest.mark.parametrize("language", OFFERED)


@pytest.mark.parametrize(
    ("query", "accepted", "preferred", "code"),
    [
        ("", "", "en", "en"),
        ("", "de", "en", "de"),
        ("", "de-AT, en;q=0.5", "en", "de"),
        ("", "en;q=0.5, pl;q=0.9", "en", "pl"),
        ("", "fi, sv;q=0.1", "en", "sv"),
        ("", "fi", "it", "it"),
        ("", "*", "it", "it"),
        ("", "de;q=0, *", "it", "it"),
        ("", "fr;q=0", "en", "en"),
        ("", "fi", "xx", "en"),
        ("", "fi", "nl-BE", "nl"),
        ("", "not a header;;;", "es", "es"),
        ("", "de," * 400, "en", "de"),
        ("lang=ar", "de", "en", "ar"),
        ("17=271231&lang=FR", "de", "en", "fr"),
        ("lang=pt_BR", "de", "en", "de"),
        ("lang=", "de", "en", "de"),
        ("lang=it&lang=sv", "de", "en", "sv"),
        ("language=it", "de", "en", "de"),
        ("lang=%ff%00", "", "en", "en"),
    ],
)
def test_the_address_decides_then_the_browser_then_the_brand(query, accepted, preferred, code):
    assert chosen(query, accepted, preferred).tag == code


def test_eight_languages_of_the_union_and_one_from_right_to_left():
    directions = {code: language.direction for code, language in OFFERED.items()}
    assert set(directions) == {"ar", "de", "en", "es", "fr", "it", "nl", "pl", "sv"}
    assert [code for code, direction in directions.items() if direction == "rtl"] == ["ar"]


@each_translated
def test_every_text_of_the_pages_is_translated(language):
    known = {
        (message.context, message.id[0] if message.pluralizable else message.id): message
        for message in catalogue(language)
        if message.id
    }
    wanted = {(context, text) for context, text, _ in messages()}
    assert set(known) == wanted, "run python -m tests.resolver.catalogues"
    empty = {
        key
        for key, message in known.items()
        if not all(message.string if message.pluralizable else [message.string])
    }
    assert empty == set()


def test_english_words_differ_from_the_codes_and_names_they_stand_for():
    known = {(context, text) for context, text, _ in messages() if context in (FIELD, VALUE)}
    written = {
        (message.context, message.id): message.string
        for message in catalogue(ENGLISH)
        if message.id
    }
    assert set(written) <= known, "run python -m tests.resolver.catalogues"
    assert [key for key, words in written.items() if words in ("", key[1])] == []


@each_language
def test_a_translation_has_the_same_places_to_fill_in(language):
    for message in filter(lambda message: message.id, catalogue(language)):
        originals = message.id if message.pluralizable else [message.id]
        translations = message.string if message.pluralizable else [message.string]
        places = set(re.findall(r"%\(\w+\)s", originals[0]))
        for text in filter(None, translations):
            found = set(re.findall(r"%\(\w+\)s", text))
            # "One month" may do without its number.
            assert found == places or (message.pluralizable and found < places), text
            assert "%" not in re.sub(r"%\(\w+\)s", "", text)


@each_language
def test_what_is_compiled_is_what_is_written(language):
    written, stored = catalogue(language), compiled(language)
    assert said(stored) == said(written), "run python -m tests.resolver.catalogues"
    assert stored.plural_expr == written.plural_expr


@each_language
def test_the_pages_get_these_texts_and_no_others(language):
    """Django's own catalogues and those of other apps hold some of the same words."""
    with override(language):
        for message in catalogue(language):
            if message.pluralizable:
                one, several = message.id
                assert npgettext(message.context, one, several, 100) in message.string
            elif message.string and message.id:
                shown = (
                    pgettext(message.context, message.id)
                    if message.context
                    else translate(message.id)
                )
                assert shown == message.string
