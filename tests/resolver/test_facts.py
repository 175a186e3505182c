"""What of the passport data is public, and how it is put into words."""

import pytest
from django.utils.translation import override

from minting.passport_schema import CATEGORIES, load
from resolver.facts import Fact, Value, public_facts
from tests.passports import ready_passport


def shown(category: str, **dpp: object) -> list[Fact]:
    return list(public_facts(category, dpp))


@pytest.mark.parametrize("category", CATEGORIES)
def test_only_public_static_fields_are_shown_in_the_order_of_the_schema(category):
    public = [
        field.label
        for field in load(category).fields.values()
        if (field.access, field.lifecycle) == ("public", "static")
    ]
    labels = [fact.label for fact in public_facts(category, ready_passport(category))]
    assert labels
    assert labels == [label for label in public if label in labels]


def test_data_for_authorities_and_of_use_is_not_shown():
    hidden = {
        name: "secret"
        for name, field in load("battery_ev").fields.items()
        if (field.access, field.lifecycle) != ("public", "static")
    }
    assert hidden
    assert shown("battery_ev", **hidden) == []


def test_what_the_schema_does_not_know_is_not_shown():
    assert shown("generic", cost_price=7) == []
    assert shown("generic", manufacturer_address={"city": "Oslo", "door_code": "1234"}) == [
        Fact("Manufacturer's address", Value(parts=(Fact("City", Value("Oslo")),)))
    ]


def test_an_unknown_category_or_no_data_shows_nothing():
    assert public_facts("no-such", {"a": 1}) == ()
    assert public_facts("generic", None) == ()
    assert shown("generic", manufacturer_name="  ", materials=[]) == []


def test_a_web_address_becomes_a_link_and_nothing_else_does():
    (contact,) = shown(
        "generic", manufacturer_contact={"website": "https://a.example/x", "email": "a@b.example"}
    )
    website, email = contact.value.parts
    assert website.value == Value("https://a.example/x", is_link=True)
    assert email.value == Value("a@b.example")
    (contact,) = shown("generic", manufacturer_contact={"website": "javascript:alert(1)"})
    assert not contact.value.parts[0].value.is_link


def test_numbers_have_their_unit():
    (weight,) = shown("textile", weight_grams=450)
    assert weight == Fact("Weight", Value("450 g"))
    (footprint,) = shown("generic", carbon_footprint_kg=1.5)
    assert footprint.value == Value("1.5 kg CO₂e")
    (cycles,) = shown("textile", expected_wash_cycles=30)
    assert cycles.value == Value("30")


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ("Weight", "1.5 kg", "24 months")),
        ("de", ("Gewicht", "1,5 kg", "24 Monate")),
        ("pl", ("Waga", "1,5 kg", "24 miesiące")),
        ("ar", ("الوزن", "1,5 kg", "24 شهرًا")),
    ],
)
def test_names_numbers_and_durations_are_written_in_the_language_in_force(language, written):
    with override(language):
        weight, warranty = shown("battery_ev", weight_kg=1.5, warranty_months=24)
    assert (weight.label, weight.value.text, warranty.value.text) == written


def test_the_parts_of_a_value_are_named_in_the_order_of_the_schema():
    (limits,) = shown("battery_ev", idle_temperature_range={"max_celsius": 60, "min_celsius": -30})
    assert limits.value.parts == (Fact("Min", Value("-30 °C")), Fact("Max", Value("60 °C")))


def test_codes_lists_and_yes_or_no_are_put_into_words():
    assert shown("textile", product_type="t_shirt")[0].value == Value("T-shirt")
    (care,) = shown("textile", care_instructions={"washing": "40", "bleaching": "do_not_bleach"})
    washing, bleaching = care.value.parts
    assert washing == Fact("Washing", Value("40 °C"))
    assert bleaching == Fact("Bleaching", Value("do not bleach"))
    assert shown("textile", animal_origin_parts=False)[0].value == Value("no")
    (certifications,) = shown("textile", certifications=["GOTS", "a_b"])
    assert certifications.value == Value(items=(Value("GOTS"), Value("a_b")))
