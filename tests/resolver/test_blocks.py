"""Facts stand in blocks, in a fixed order, and none is left out."""

from minting.passport_schema import CATEGORIES, load
from resolver.blocks import PLACES, in_blocks
from resolver.facts import Fact, Value, public_facts
from tests.passports import ready_passport


def test_every_field_that_a_page_may_show_has_its_block():
    shown = {
        name
        for category in CATEGORIES
        for name, field in load(category).fields.items()
        if field.lifecycle == "static"
    }
    assert set(PLACES) == shown


def test_no_fact_is_lost_and_no_block_is_empty():
    for category in CATEGORIES:
        facts = public_facts(category, ready_passport(category))
        blocks = in_blocks(facts)
        assert all(block.facts for block in blocks)
        assert sorted(f.field for b in blocks for f in b.facts) == sorted(f.field for f in facts)


def test_blocks_come_in_their_order_and_facts_in_the_schemas():
    facts = [Fact(name, Value("x"), name) for name in ("end_of_life", "size", "colour", "new")]
    assert [(b.title, [f.field for f in b.facts]) for b in in_blocks(facts)] == [
        ("Product", ["size", "colour", "new"]),
        ("Environment", ["end_of_life"]),
    ]
