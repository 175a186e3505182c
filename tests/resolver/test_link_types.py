"""Link types are those of the GS1 Web Vocabulary, in whichever way they are written."""

import pytest

from minting.catalogue.values import InvalidValue
from resolver.link_types import (
    LINK_TYPES,
    STORED_LINK_TYPES,
    iri_of,
    link_type_of,
    stored_link_type,
)


def test_the_vocabulary_has_sixty_link_types_with_a_label_each():
    assert len(LINK_TYPES) == 60
    assert all(name.startswith("gs1:") and label for name, label in LINK_TYPES.items())
    assert LINK_TYPES["gs1:purchaseSuppliesOrAccessories"] == "Purchase supplies or accessories"


@pytest.mark.parametrize(
    "written",
    [
        "gs1:pip",
        "pip",
        "https://ref.gs1.org/voc/pip",
        "https://gs1.org/voc/pip",
        "https://www.gs1.org/voc/pip",
        "http://gs1.org/voc/pip",
    ],
)
def test_a_link_type_is_read_in_every_form(written: str):
    assert link_type_of(written) == "gs1:pip"
    assert stored_link_type(f" {written} ") == "gs1:pip"


@pytest.mark.parametrize("text", ["", "gs1:", "gs1:PIP", "gs1:nosuchlt", "schema:url", "linkset"])
def test_what_names_no_link_type_stays_as_it_is(text: str):
    assert link_type_of(text) == text
    with pytest.raises(InvalidValue, match="GS1 Web Vocabulary"):
        stored_link_type(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gs1:defaultLink", "is_default"),
        ("defaultLinkMulti", "is_default"),
        ("gs1:handledBy", "is_default"),
        ("gs1:productSustainabilityInfo", "use gs1:sustainabilityInfo"),
    ],
)
def test_what_the_resolver_says_itself_is_given_by_no_brand(text: str, words: str):
    with pytest.raises(InvalidValue, match=words):
        stored_link_type(text)


def test_what_brands_may_give_is_known_and_has_a_full_name():
    assert len(STORED_LINK_TYPES) == 56
    assert set(STORED_LINK_TYPES) < LINK_TYPES.keys()
    assert all(link_type_of(iri_of(name)) == name for name in LINK_TYPES)
