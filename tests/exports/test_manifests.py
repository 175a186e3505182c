"""What a pack's bytes are: the rows, whatever the cells hold, and nothing of the session."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exports import manifests
from exports.manifests import COLUMNS, FrozenBatch, PackFile, pack_query, rows_in
from minting.models import MintUnit
from minting.resolver_urls import path_segment
from minting.serials import resolver_url
from tests.exports.batches import CREATED, minted_batch, token_of
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)
as_worker = pytest.mark.plane("worker")
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What PostgreSQL can store as text.
texts = st.text(
    st.one_of(
        st.sampled_from("=+-@\t\r\n,\"' \u00a0\u200b\ufeff\u2028\x85\x01\x1b\uff1d\uff20aZ0%/é"),
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"),
    ),
    max_size=20,
)
lists_of_texts = st.lists(texts, min_size=80, max_size=100)
TRIGGERS = set("=+-@\uff1d\uff0b\uff0d\uff20")
BLANKS = " \u00a0\u1680\u180e\u202f\u205f\u2060\u3000\ufeff" + "".join(
    chr(code) for code in range(0x2000, 0x2010)
)

_OVER_VALUES = """
select {expression} from unnest(%(values)s::text[]) with ordinality as given (value, place)
 order by place
"""


def computed(expression: str, values: list[str]) -> list[str]:
    """Return an SQL expression over ``value`` for each value."""
    with connection.cursor() as cursor:
        cursor.execute(_OVER_VALUES.format(expression=expression), {"values": values})
        return [row[0] for row in cursor.fetchall()]


def frozen(batch, **changes) -> FrozenBatch:
    plain = FrozenBatch(
        batch_id=batch.id,
        resolver_base=batch.resolver_base,
        url_rule=1,
        gtin=batch.gtin,
        sku=batch.sku,
        production_ref=batch.production_ref,
        activation_mode=batch.activation_mode,
        has_lots=False,
        as_of=datetime(2030, 1, 1, tzinfo=UTC),
    )
    return replace(plain, **changes)


def pack_bytes(batch, **changes) -> bytes:
    """Return the bytes of all units of a batch as one pack."""
    query, names = pack_query(frozen(batch, **changes), first=1, last=batch.minted_quantity)
    with brand_scope(batch.brand_id), connection.cursor() as cursor:
        cursor.execute(query, names)
        (text,) = cursor.fetchone()
    return manifests.HEADER + text.encode()


def parsed(content: bytes) -> list[dict[str, str]]:
    """Read a pack as strictly as RFC 4180 allows."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def begins_a_formula(cell: str) -> bool:
    return cell.strip(BLANKS)[:1] in TRIGGERS


@as_worker
@many
@given(lists_of_texts)
@example(["=1+1", " =1", "\u00a0@a", "\t=1", "\r=1", "a\n=1", '"=1"', "-5", "'=1", "", "x,=y"])
def test_no_cell_of_text_is_taken_for_a_formula_or_breaks_its_line(db, values):
    for value, cell in zip(values, computed(manifests._cell("value"), values), strict=True):
        assert len(cell.splitlines()) <= 1, (value, cell)
        (line,) = csv.reader([cell], strict=True) if cell else [[""]]
        (read,) = line
        assert not begins_a_formula(read), (value, cell)
        assert read[:1] not in {"\t", "\r", "\n"}
        assert read.isprintable() or not any(ord(c) < 32 for c in read)


@as_worker
@many
@given(lists_of_texts)
def test_a_harmless_cell_is_read_back_as_it_was(db, values):
    harmless = [
        value
        for value in values
        if len((value + "x").splitlines()) == 1
        and not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value)
        and not begins_a_formula(value)
    ]
    for value, cell in zip(harmless, computed(manifests._cell("value"), harmless), strict=True):
        ((read,),) = csv.reader([cell], strict=True) if cell else [[""]]
        assert read == value


@as_worker
@many
@given(lists_of_texts)
@example(["a b", "é", "/", "%", "a+b", "~._-", "", "日本", "!*'()"])
def test_a_path_segment_is_percent_encoded_as_python_does(db, values):
    assert computed(path_segment("value"), values) == [quote(value, safe="") for value in values]


AWKWARD_SERIALS = [
    "S/N-1",
    "A+B",
    "=1",
    "@x",
    'Q"1',
    "a,b",
    "%41",
    "x y",
    "-7",
    "(1)",
    "Ab.9_~",
    "",
    None,
]


@as_worker
@pytest.mark.parametrize("gtin", [True, False], ids=["with GTIN", "without GTIN"])
@pytest.mark.parametrize("lots", [(), ("L-1", "L 2/3,x")], ids=["no lots", "lots"])
def test_the_resolver_url_is_the_one_rule_of_serials(brand, gtin, lots):
    fields = {} if gtin else {"gtin": None}
    batch = minted_batch(brand, len(AWKWARD_SERIALS), serials=AWKWARD_SERIALS, lots=lots, **fields)
    rows = parsed(pack_bytes(batch, has_lots=bool(lots)))
    with brand_scope(brand.brand.id):
        units = MintUnit.objects.filter(batch=batch).select_related("lot").order_by("ordinal")
        expected = [
            resolver_url(
                base=batch.resolver_base,
                gtin=batch.gtin,
                token=unit.token,
                serial=unit.serial,
                lot=unit.lot.lot_code if unit.lot else None,
            )
            for unit in units
        ]
    assert [row["resolver_url"] for row in rows] == expected
    assert [row["lot"] for row in rows][:: len(AWKWARD_SERIALS) - 1] == [*(lots or ("", ""))]


@as_worker
def test_a_rule_of_urls_that_is_not_known_is_refused(brand):
    with pytest.raises(ValueError, match="rule 2"):
        pack_bytes(minted_batch(brand, 1), url_rule=2)


@as_worker
def test_a_row_has_the_twelve_columns(brand):
    batch = minted_batch(brand, 2, sku="SKU, 1", production_ref="=PO", serials=["S1", None])
    header, first, second, end = pack_bytes(batch).decode().split("\r\n")
    token = token_of(batch.id, 1)
    assert header == ",".join(COLUMNS)
    assert first == (
        f"1,{token},S1,https://id.nordhav.example/01/{batch.gtin}/21/S1,{batch.gtin},"
        f'"SKU, 1",,minted,first_scan,{batch.id},\'=PO,2026-11-21T04:05:06.000700Z'
    )
    assert second.split(",")[2] == token_of(batch.id, 2)
    assert end == ""


@as_worker
def test_every_physical_line_of_a_pack_is_one_inert_row(brand):
    batch = minted_batch(
        brand,
        len(AWKWARD_SERIALS),
        serials=AWKWARD_SERIALS,
        lots=("=lot\nx", "\t@lot"),
        sku='\r\n=cmd|"x"',
        production_ref="\u00a0-2\u2028=3",
    )
    content = pack_bytes(batch, has_lots=True)
    lines = content.decode().splitlines()
    assert len(lines) == 1 + rows_in(content) == 1 + len(AWKWARD_SERIALS)
    for line in lines[1:]:
        (row,) = csv.reader([line], strict=True)
        assert len(row) == len(COLUMNS)
        assert not any(begins_a_formula(cell) for cell in row), row


@as_worker
def test_a_base_with_a_comma_is_quoted_too(brand):
    batch = minted_batch(brand, 1, resolver_base='https://a,"b".example')
    (row,) = parsed(pack_bytes(batch))
    assert row["resolver_url"].startswith('https://a,"b".example/01/')


@as_worker
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_the_bytes_do_not_depend_on_the_session(brand, zone):
    batch = minted_batch(brand, 3)
    before = pack_bytes(batch)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('TimeZone', %s, false)", [zone])
        cursor.execute("select set_config('DateStyle', 'German', false)")
    try:
        assert pack_bytes(batch) == before
    finally:
        connection.close()


# (status, activated, revoked), in hours from the moment the export shows.
STORIES = [
    ((0, None, None), "minted"),
    ((1, -1, None), "active"),
    ((1, 1, None), "minted"),
    ((1, None, None), "active"),
    ((2, None, -1), "revoked"),
    ((2, None, 1), "minted"),
    ((2, -2, -1), "revoked"),
    ((2, -1, 1), "active"),
    ((2, 1, 2), "minted"),
    ((2, None, None), "revoked"),
]


def test_the_status_is_that_of_the_one_moment_all_packs_show(brand):
    as_of = CREATED + timedelta(days=1)
    batch = minted_batch(brand, len(STORIES))

    def at(hours: int | None) -> datetime | None:
        return None if hours is None else as_of + timedelta(hours=hours)

    from tests.planes import acting_as

    with acting_as("owner"), brand_scope(brand.brand.id):
        for ordinal, ((status, activated, revoked), _) in enumerate(STORIES, start=1):
            MintUnit.objects.filter(batch=batch, ordinal=ordinal).update(
                status=status, activated_at=at(activated), revoked_at=at(revoked)
            )
    with acting_as("worker"):
        rows = parsed(pack_bytes(batch, as_of=as_of))
    assert [row["status"] for row in rows] == [word for _, word in STORIES]


def test_the_manifest_is_the_same_bytes_each_time_and_adds_up():
    batch = FrozenBatch(
        batch_id=UUID(int=7),
        resolver_base="https://id.example",
        url_rule=1,
        gtin=None,
        sku="SÜ-1",
        production_ref="",
        activation_mode="first_scan",
        has_lots=False,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    packs = [PackFile(1, "pack-00001.csv", 1, 10, 900, "a" * 64)]
    packs.append(PackFile(2, "pack-00002.csv", 11, 3, 300, "b" * 64))

    def made() -> bytes:
        identity = {"profile": "full", "format": "csv"}
        return manifests.manifest(batch=batch, identity=identity, pack_size=10, packs=iter(packs))

    told = json.loads(made())
    assert made() == made()
    assert (told["rows"], told["bytes"], told["pack_count"]) == (13, 1200, 2)
    assert told["columns"] == list(COLUMNS)
    assert told["status_as_of"] == "2026-01-02T03:04:05.000000Z"
    assert told["packs"][1] == {
        "number": 2,
        "file": "pack-00002.csv",
        "first_ordinal": 11,
        "last_ordinal": 13,
        "rows": 3,
        "bytes": 300,
        "sha256": "b" * 64,
    }
    assert "SÜ-1".encode() in made()


@pytest.mark.parametrize(
    ("sku", "name"),
    [
        ("NH-TEE-001", "NH-TEE-001-00000000-pack-00001.csv"),
        ('a"b\r\n/../é', "a-b-00000000-pack-00001.csv"),
        ("日本", "batch-00000000-pack-00001.csv"),
        ("x" * 64, "x" * 40 + "-00000000-pack-00001.csv"),
    ],
)
def test_a_download_has_a_plain_name(sku, name):
    file = manifests.pack_name(1, "csv")
    assert manifests.download_name(batch_id=UUID(int=1), sku=sku, name=file) == name
