"""Thousands of texts in the text cells of real packs: none is a formula, all are read back."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from exports.manifests import COLUMNS, FrozenBatch, pack_query
from minting.models import MintBatch
from tests.exports.batches import minted_batch
from tests.factories import make_world
from tests.planes import acting_as
from tests.reliability.scale import SEED, scaled
from tests.reliability.scratch import Scratch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("worker"),
    pytest.mark.timeout(300),
]
UNITS = 12
# Each row has a serial and a lot of its own; SKU and production batch are the batch's.
TEXTS_A_PACK = 2 * UNITS + 2
TEXTS = scaled(1_500, 5_000)
PACKS = -(-TEXTS // TEXTS_A_PACK)

# What spreadsheets begin a formula with, and what they trim before they look.
TRIGGERS = "=+-@\t\r\n|%" + "\uff1d\uff0b\uff0d\uff20"
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
BLANKS = " \u00a0\u2003\u3000\ufeff\u200b"
CONTROL = re.compile("[\u0001-\u001f\u007f-\u009f\u2028\u2029]")

characters = st.characters(codec="utf-8", exclude_characters="\0")
hostile = st.sampled_from([*TRIGGERS, *BLANKS, '"', ",", "'", ";", "\u2028", "\x85", "\x0b"])


def texts(longest: int) -> st.SearchStrategy[str]:
    """Any text, and ones that begin as an attack does."""
    head = st.text(hostile, min_size=1, max_size=4)
    attack = st.builds(lambda a, b: (a + b)[:longest], head, st.text(characters, max_size=longest))
    return st.one_of(st.text(characters, max_size=longest), attack)


packs = st.tuples(
    st.lists(texts(20), min_size=UNITS, max_size=UNITS, unique=True),
    st.lists(texts(20), min_size=UNITS, max_size=UNITS, unique=True),
    texts(64),
    texts(64),
)


@pytest.fixture
def batch(transactional_db: None) -> MintBatch:
    with acting_as("web"):
        world = make_world("nordhav")
    return minted_batch(world, UNITS, lots=[f"lot-{n}" for n in range(UNITS)])


@pytest.fixture
def owner(batch: MintBatch) -> Iterator[psycopg.Connection]:
    """The schema's owner, who may rename lots and serials, in a transaction that is undone."""
    with Scratch(str(connection.settings_dict["NAME"])).connect("owner") as session:
        session.execute("begin")
        session.execute("select set_config('tieback.brand_id', %s, true)", [str(batch.brand_id)])
        yield session
        session.rollback()


_RENAME = """
    with given as (
        select ordinality as place, serial, lot from unnest(%(serials)s::text[], %(lots)s::text[])
               with ordinality as given (serial, lot)
    ), named as (
        update minting_mintlot as lot set lot_code = given.lot
          from given join minting_mintunit as unit
            on unit.batch_id = %(batch)s and unit.ordinal = given.place
         where lot.id = unit.lot_id
    )
    update minting_mintunit as unit set serial = given.serial
      from given where unit.batch_id = %(batch)s and unit.ordinal = given.place
"""


def pack_text(
    owner: psycopg.Connection, batch: MintBatch, serials: list[str], lots: list[str], *of_all: str
) -> str:
    """Return the pack that the exporter's own query makes of these texts."""
    # Unique constraints look at each row at once: first out of the way, then to the new names.
    away = {"serials": [f"was {n}" for n in range(UNITS)], "batch": batch.id}
    owner.execute(_RENAME, away | {"lots": away["serials"]})
    owner.execute(_RENAME, {"serials": serials, "lots": lots, "batch": batch.id})
    sku, production_ref = of_all
    frozen = FrozenBatch(
        batch_id=batch.id,
        resolver_base=batch.resolver_base,
        url_rule=1,
        gtin=batch.gtin,
        sku=sku,
        production_ref=production_ref,
        activation_mode=batch.activation_mode,
        has_lots=True,
        as_of=datetime.now(UTC),
    )
    query, names = pack_query(frozen, first=1, last=UNITS)
    row = owner.execute(query, names).fetchone()
    assert row
    return str(row[0])


def printed(value: str) -> set[str]:
    """Return how a text may stand in a cell: on one line, perhaps behind an apostrophe."""
    inert = CONTROL.sub(" ", value)
    return {inert, f"'{inert}"}


def test_no_text_becomes_a_formula_or_a_line_and_all_are_read_back(
    owner: psycopg.Connection, batch: MintBatch
) -> None:
    seen = 0

    @seed(SEED)
    @given_settings(
        max_examples=PACKS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(packs)
    def prove(given_texts: tuple[list[str], list[str], str, str]) -> None:
        nonlocal seen
        serials, lots, sku, production_ref = given_texts
        text = pack_text(owner, batch, serials, lots, sku, production_ref)
        # Every line break that any program knows, each a row of its own.
        lines = text.splitlines()
        assert len(lines) == UNITS
        for line in lines:
            for cell in next(csv.reader([line])):
                begins = cell.strip(BLANKS + "\u200c\u200d\u200e\u200f").strip()[:1]
                assert begins not in set(FORMULA), (line, cell)
        rows = list(csv.DictReader(io.StringIO(text, newline=""), fieldnames=COLUMNS))
        for row, serial, lot in zip(rows, serials, lots, strict=True):
            assert row["serial"] in (printed(serial) if serial else {row["token"]})
            assert row["lot"] in printed(lot)
            assert row["sku"] in printed(sku)
            assert row["production_batch"] in printed(production_ref)
        seen += TEXTS_A_PACK

    prove()
    assert seen >= TEXTS, f"only {seen} texts, TIEBACK_PROVE_SEED={SEED}"
