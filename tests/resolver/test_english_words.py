"""Readers of English get words for codes too, not the codes with spaces in them."""

import re

import pytest
from django.utils.translation import override, pgettext

from resolver.facts import Fact, Value, public_facts
from tests.resolver.catalogues import FIELD, VALUE, messages


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("30_very_mild", "30 °C, very mild"),
        ("60_mild", "60 °C, mild"),
        ("40", "40 °C"),
        ("hand_wash", "hand wash"),
    ],
)
def test_how_hot_to_wash_is_told_in_degrees(code, words):
    (care,) = public_facts("textile", {"care_instructions": {"washing": code}})
    assert care.value.parts == (Fact("Washing", Value(words)),)


@pytest.mark.parametrize(
    ("category", "field", "code", "words"),
    [
        ("textile", "product_type", "t_shirt", "T-shirt"),
        (
            *("textile", "product_type", "leggings_stockings_or_socks"),
            "leggings, stockings or socks",
        ),
        (
            *("electronics", "product_type", "small_it_or_telecommunication"),
            "small IT or telecommunication equipment",
        ),
    ],
)
def test_kinds_of_products_are_written_as_people_write_them(category, field, code, words):
    (fact,) = public_facts(category, {field: code})
    assert fact.value == Value(words)


def test_how_to_have_it_cleaned_names_the_solvent_as_the_label_does():
    care = {"natural_drying": "drip_line_in_shade", "professional_care": "dry_clean_p_mild"}
    (shown,) = public_facts("textile", {"care_instructions": care})
    assert [part.value.text for part in shown.value.parts] == [
        "drip dry on a line in the shade",
        "dry clean (P), mild",
    ]


def test_parts_of_a_value_keep_their_abbreviations():
    substance = {"name": "Lead", "cas_number": "7439-92-1"}
    (fact,) = public_facts("generic", {"substances_of_concern": [substance]})
    assert [part.label for part in fact.value.items[0].parts] == ["Name", "CAS number"]


def test_no_name_or_code_is_left_that_reads_like_one():
    raw = re.compile(r"^\d+ [a-z]|(?<!')\b[b-z]\b|\b(?:it|cas|eu|id|url)\b", re.ASCII)
    with override("en"):
        shown = [
            pgettext(context, text) for context, text, _ in messages() if context in (FIELD, VALUE)
        ]
    assert len(shown) > 200
    assert [words for words in shown if raw.search(words) or "_" in words] == []
    assert not {words for words in shown if "Cas " in words}
