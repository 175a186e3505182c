"""A document says what everybody may know, in wallets' words and as linked data, and no more."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

from minting.canonical_json import canonical
from minting.metadata.document import LONGEST_NAME, PERSONAL, Facts, bytes_of, document_of
from minting.metadata.validation import problems_of
from minting.passport_schema import CATEGORIES, load
from tests.factories import gtin
from tests.passports import ready_passport

PRODUCT = UUID("3f2b8c1e-0d4a-4a52-9a3b-6f1f0c2d7e11")
GS1, SCHEMA, OURS = "https://ref.gs1.org/voc/", "https://schema.org/", "urn:tieback:metadata#"


def facts(**given: Any) -> Facts:
    values: dict[str, Any] = {
        "base": "https://id.nordhav.com",
        "brand": "Nordhav",
        "logo_sha256": "ab" * 32,
        "product_id": PRODUCT,
        "product": "Fjell jacket",
        "gtin": gtin(1),
        "category": "textile",
        "schema_version": 1,
        "dpp": ready_passport("textile"),
        "passport_version": 3,
        "passport_sha256": "cd" * 32,
    }
    return Facts(**{**values, **given})


def names_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    if isinstance(value, dict):
        return set(value) | set().union(*map(names_in, value.values()))
    return set()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_complete_passport_of_each_category_makes_a_sound_document(category: str) -> None:
    made = document_of(facts(category=category, dpp=ready_passport(category)), 1)
    assert problems_of(bytes_of(made)) == ()


def test_wallets_find_their_fields() -> None:
    made = document_of(facts(), 2)
    page = f"https://id.nordhav.com/01/{gtin(1)}"
    image = f"https://id.nordhav.com/p/logo/{'ab' * 32}.png"
    assert {name: made[name] for name in ("name", "symbol", "image", "external_url")} == {
        "name": "Fjell jacket",
        "symbol": "DPP",
        "image": image,
        "external_url": page,
    }
    assert made["description"] == "Fjell jacket by Nordhav. Digital product passport, version 3."
    assert made["properties"] == {
        "category": "image",
        "files": [{"uri": image, "type": "image/png"}, {"uri": page, "type": "text/html"}],
    }
    traits = {trait["trait_type"]: trait["value"] for trait in made["attributes"]}
    assert traits["Passport version"] == 3
    assert traits["GTIN"] == gtin(1)
    assert traits["Non-textile parts of animal origin"] in {"yes", "no"}
    assert all(type(value) in {str, int, float} for value in traits.values())


def test_programs_read_it_as_linked_data_with_nothing_to_fetch() -> None:
    made = document_of(facts(), 2)
    (node,) = jsonld.expand(made, {"documentLoader": None})
    assert node["@id"] == made["external_url"]
    assert set(node["@type"]) == {f"{GS1}Product", f"{SCHEMA}Product"}
    assert node[f"{GS1}gtin"] == [{"@value": gtin(1)}]
    assert node[f"{GS1}productName"] == [{"@value": "Fjell jacket"}]
    assert node[f"{SCHEMA}productID"] == [{"@value": str(PRODUCT)}]
    assert node[f"{OURS}passportVersion"] == [{"@value": 3}]
    assert node[f"{OURS}metadataVersion"] == [{"@value": 2}]
    assert node[f"{OURS}passportSha256"] == [{"@value": "cd" * 32}]
    assert node[f"{OURS}data"] == [{"@value": made["data"], "@type": "@json"}]
    # No key is lost on the way.
    assert set(node) == {
        *("@id", "@type", f"{SCHEMA}name", f"{SCHEMA}description", f"{SCHEMA}image"),
        *(f"{SCHEMA}url", f"{SCHEMA}brand", f"{SCHEMA}productID", f"{SCHEMA}category"),
        *(f"{GS1}productName", f"{GS1}gtin"),
        *(f"{OURS}{name}" for name in ("symbol", "attributes", "properties", "data")),
        *(f"{OURS}{name}" for name in ("passportVersion", "metadataVersion", "passportSchema")),
        f"{OURS}passportSha256",
    }


def test_its_bytes_are_canonical_and_the_same_every_time() -> None:
    content = bytes_of(document_of(facts(), 1))
    turned = dict(reversed(ready_passport("textile").items()))
    assert bytes_of(document_of(facts(dpp=turned), 1)) == content
    assert rfc8785.dumps(json.loads(content)) == content


def test_each_document_of_a_product_has_bytes_of_its_own() -> None:
    assert bytes_of(document_of(facts(), 1)) != bytes_of(document_of(facts(), 2))


@pytest.mark.parametrize("category", CATEGORIES)
def test_only_what_everybody_may_read_is_in_it(category: str) -> None:
    schema = load(category)
    marked = {name: f"told of {name}" for name in schema.fields} | {"unknown": "told of unknown"}
    content = bytes_of(document_of(facts(category=category, dpp=marked), 1)).decode()
    for name, field in schema.fields.items():
        is_public = field.access == "public" and field.lifecycle == "static"
        assert (f'told of {name}"' in content) is is_public, name
    assert "told of unknown" not in content


def test_what_reaches_or_locates_a_person_is_left_out_at_whatever_depth() -> None:
    contact = {"email": "ines@nordhav.example"}
    dpp = ready_passport("textile") | {
        "manufacturer_contact": contact,
        "manufacturer_address": {
            "street": "Strandvej 7",
            "postal_code": "2100",
            "city": "Copenhagen",
            "country": "DK",
        },
        "responsible_operator": {"name": "Nordhav GmbH", "role": "importer", **contact},
    }
    made = document_of(facts(dpp=dpp), 1)
    assert not names_in(made["data"]) & PERSONAL
    assert "manufacturer_contact" not in made["data"]
    assert made["data"]["manufacturer_address"] == {"city": "Copenhagen", "country": "DK"}
    assert made["data"]["responsible_operator"] == {"name": "Nordhav GmbH", "role": "importer"}
    content = bytes_of(made).decode()
    assert not [word for word in ("ines@", "Strandvej", "2100") if word in content]


def test_a_product_without_gtin_and_a_brand_without_logo_leave_their_fields_out() -> None:
    made = document_of(facts(gtin=None, logo_sha256=""), 1)
    assert not {"gtin", "external_url", "image"} & set(made)
    assert made["@id"] == f"urn:uuid:{PRODUCT}"
    assert made["properties"] == {"category": "html", "files": []}
    assert problems_of(bytes_of(made)) == ()


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable() and text.strip()))
def test_whatever_a_product_is_called_a_name_fits_on_a_chain(name: str) -> None:
    made = document_of(facts(product=name), 1)
    assert 0 < len(made["name"].encode()) <= LONGEST_NAME
    assert made["name"] == name or made["name"].endswith("…")
    assert made["productName"] == name
    assert problems_of(bytes_of(made)) == ()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["email", "name", "city", "street", "fibre"]), below)
    ),
    max_leaves=10,
)


@given(
    category=st.sampled_from(CATEGORIES),
    chosen=st.dictionaries(st.integers(0, 60), values, max_size=8),
    version=st.integers(1, 2**31 - 1),
    number=st.integers(1, 2**31 - 1),
)
def test_whatever_is_stored_a_document_is_canonical_and_keeps_the_rules(
    category: str, chosen: dict[int, Any], version: int, number: int
) -> None:
    names = list(load(category).fields)
    dpp = {names[index % len(names)]: value for index, value in chosen.items()}
    made = document_of(facts(category=category, dpp=dpp, passport_version=version), number)
    content = bytes_of(made)
    # Whole numbers that doubles do not hold are read back as whole numbers.
    assert canonical(json.loads(content)) == content
    assert problems_of(content) == ()
    assert not names_in(made["data"]) & PERSONAL


def changed(**fields: Any) -> bytes:
    """Return a sound document with some fields changed; None takes a field away."""
    made = {**document_of(facts(), 1), **fields}
    return bytes_of({name: value for name, value in made.items() if value is not None})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 33),
        ("name", "é" * 17),
        ("name", None),
        ("name", 7),
        ("symbol", "x" * 11),
        ("description", "x" * 2_001),
        ("image", "ipfs://bafy"),
        ("image", "/p/logo/x.png"),
        ("external_url", "javascript:alert(1)"),
        ("external_url", "https://"),
        ("external_url", "https://[half"),
        ("external_url", "https://a b.example"),
        ("attributes", {}),
        ("attributes", [{"trait_type": "GTIN"}]),
        ("attributes", [{"trait_type": "GTIN", "value": True}]),
        ("attributes", [{"trait_type": "GTIN", "value": None}]),
        ("properties", {"category": "text", "files": []}),
        ("properties", {"category": "html", "files": [{"uri": "x", "type": "y"}]}),
        ("properties", None),
        ("gtin", "09506000000019"),
        ("gtin", 9506000),
        ("productId", "nordhav"),
        ("productId", 7),
        ("passportVersion", 0),
        ("passportVersion", True),
        ("metadataVersion", None),
        ("passportSha256", "ab"),
        ("data", []),
        ("data", None),
        ("@context", {}),
        ("@type", "gs1:Product"),
    ],
)
def test_each_unsound_field_is_named_with_what_to_do(field: str, value: Any) -> None:
    (problem,) = problems_of(changed(**{field: value}))
    assert problem.field == field
    assert str(problem) == f"{field}: {problem.message}"
    assert problem.message.endswith(".")


def test_all_problems_are_told_at_once() -> None:
    found = problems_of(changed(name="", gtin="1", passportSha256=""))
    assert [problem.field for problem in found] == ["name", "gtin", "passportSha256"]


def test_a_brand_without_host_is_told_to_set_one() -> None:
    found = problems_of(bytes_of(document_of(facts(base=""), 1)))
    assert {problem.field for problem in found} == {"external_url", "image", "properties"}
    assert all("host of the brand's resolver" in problem.message for problem in found)


def test_what_is_too_long_for_one_block_is_refused_by_its_length() -> None:
    content = changed(data={"end_of_life": "x" * 262_144})
    (problem,) = problems_of(content)
    assert (problem.field, f"{len(content):,}" in problem.message) == ("data", True)
    rest = 262_144 - len(changed(data={"end_of_life": ""}))
    assert problems_of(changed(data={"end_of_life": "x" * rest})) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"a": 1}',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
    ],
)
def test_bytes_that_are_no_document_are_refused_and_break_nothing(content: bytes) -> None:
    assert problems_of(content)


def test_personal_data_are_refused_even_if_they_came_in() -> None:
    (problem,) = problems_of(changed(data={"operators": [{"email": "ines@nordhav.example"}]}))
    assert problem.field == "data"
    assert "ines" not in problem.message


def test_ids_do_not_matter() -> None:
    assert problems_of(bytes_of(document_of(facts(product_id=uuid4()), 1))) == ()
