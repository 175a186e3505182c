"""Working jobs of every mode: what each unit is called, whatever the cycle size or accident."""

from urllib.parse import unquote

import pytest
from django.db import IntegrityError, connection, transaction

from exports.manifests import pack_query
from minting import cycles, identities, serial_staging
from minting.gateway import MintBlocked
from minting.leases import claim_next
from minting.lots import Lot
from minting.models import MintBatch, MintJob, MintLot, MintUnit, SerialListChunk
from minting.serial_lists import SerialListRefused, upload_serial_list
from minting.serial_rules import SerialRule
from minting.serials import resolver_url
from minting.states import IdentityMode, JobStatus, SerialSource
from minting.unit_inserts import insert_units
from minting.worker import Outcome, work_next_job
from resolver.digital_link import DigitalLink, parse
from resolver.lookup import find_unit
from tests.factories import BrandWorld, make_product, make_world
from tests.minting.requests import queued_job, request_for, reread, submit
from tests.minting.test_execution import due_now, end_lease
from tests.planes import acting_as
from tieback.api.principal import Principal
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

LOTS = (Lot("L/1", 3), Lot("L+2", 9), Lot("L3", 1), Lot("l3", 4))
OWN = tuple(f"own,{n * 7 % 17:02d}" for n in range(17))
SEQUENCE = tuple(f"SN{n:04d}" for n in range(95, 112))
RULE = SerialRule("SN", 4, 95)
CHOICES = {"own": {"serials": OWN}, "sequential": {"serial_rule": RULE}, "generated": {}}
SERIALS = {"own": OWN, "sequential": SEQUENCE, "generated": (None,) * 17}


@pytest.fixture
def nordhav(transactional_db) -> BrandWorld:
    with acting_as("web"):
        return make_world("nordhav")


@pytest.fixture(autouse=True)
def small_cycles(settings, monkeypatch):
    settings.TIEBACK_CYCLE_SIZE = 4
    monkeypatch.setattr(cycles, "SLICE", 3)
    settings.TIEBACK_WINDOW_SECONDS = 0
    settings.RETRY_BASE_DELAY_MS = 1


def units_of(job: MintJob) -> list[tuple[int, str | None, str | None]]:
    with brand_scope(job.brand_id):
        rows = MintUnit.objects.filter(batch_id=job.batch_id).order_by("ordinal")
        return list(rows.values_list("ordinal", "serial", "lot__lot_code"))


def expected(serials, lots=()) -> list[tuple[int, str | None, str | None]]:
    codes = [lot.lot_code for lot in lots for _ in range(lot.qty)] or [None] * len(serials)
    return list(zip(range(1, len(serials) + 1), serials, codes, strict=True))


def work(job: MintJob) -> None:
    while reread(job).status not in {JobStatus.COMPLETED, JobStatus.FAILED}:
        work_next_job()
        due_now(job)


def upload(world: BrandWorld, product, content: bytes):
    import io

    with acting_as("web"), brand_scope(world.brand.id):
        who = Principal(world.brand.id, "user:1")
        return upload_serial_list(who, product.id, io.BytesIO(content), is_csv=True)


@pytest.mark.parametrize("size", [1, 4, 5, 20])
@pytest.mark.parametrize("source", list(CHOICES))
@pytest.mark.parametrize("lots", [(), LOTS], ids=["serial", "batch"])
def test_units_get_their_serials_and_lots_whatever_the_cycle_size(
    nordhav, settings, size, source, lots
):
    settings.TIEBACK_CYCLE_SIZE = size
    mode = IdentityMode.BATCH if lots else IdentityMode.SERIAL
    job = queued_job(nordhav, 17, identity_mode=mode, lots=lots, **CHOICES[source])
    work(job)
    assert reread(job).status == JobStatus.COMPLETED
    assert units_of(job) == expected(SERIALS[source], lots)


@pytest.mark.parametrize("chunk", [3, 7, 100])
def test_an_uploaded_list_is_minted_in_its_order_across_chunks(nordhav, monkeypatch, chunk):
    monkeypatch.setattr(serial_staging, "_CHUNK", chunk)
    with acting_as("web"):
        product = make_product(nordhav)
    content = "".join(f'"{serial}"\n' for serial in OWN).encode()
    kept = upload(nordhav, product, content)
    with acting_as("web"):
        job = submit(nordhav, request_for(product, 17, serial_list_id=kept.id))
    work(job)
    assert units_of(job) == expected(OWN)


@pytest.mark.parametrize("source", ["own", "sequential"])
@pytest.mark.parametrize("point", ["mint.inserted", "mint.counted", "mint.committed"])
def test_a_crash_in_the_middle_neither_skips_nor_repeats_a_serial(
    nordhav, monkeypatch, source, point
):
    mode = {"identity_mode": IdentityMode.BATCH, "lots": LOTS}
    job = queued_job(nordhav, 17, **mode, **CHOICES[source])
    cycles.run_cycle(claim_next())
    end_lease(job)

    class Crash(BaseException):
        pass

    def crash(name: str) -> None:
        if name == point:
            raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(cycles, "reach", crash)
        with pytest.raises(Crash):
            cycles.run_cycle(claim_next())
    end_lease(job)
    work(job)
    assert units_of(job) == expected(SERIALS[source], LOTS)


def test_the_serials_of_a_batch_cannot_be_deleted(nordhav):
    queued_job(nordhav, 17, serials=OWN)
    with acting_as("web"), brand_scope(nordhav.brand.id):
        with pytest.raises(IntegrityError), transaction.atomic():
            SerialListChunk.objects.all().delete()
        assert SerialListChunk.objects.count() == 1


def test_a_list_with_a_gap_mints_nothing_rather_than_a_unit_without_its_serial(
    nordhav, monkeypatch
):
    monkeypatch.setattr(identities.SerialListChunk.objects, "create", lambda **_: None)
    job = queued_job(nordhav, 17, serials=OWN)
    assert work_next_job()[0] is Outcome.RETRY
    assert units_of(job) == []


def test_the_statement_for_tokens_joins_nothing():
    plain = insert_units(has_lots=False, source=SerialSource.GENERATED)
    assert "lot" not in plain
    assert "serial" not in plain


def test_minted_serials_and_tokens_are_taken_for_ever(nordhav):
    with acting_as("web"):
        product = make_product(nordhav)
        jobs = [
            submit(nordhav, request_for(product, 3, serials=("a", "A0005", "c"))),
            submit(nordhav, request_for(product, 3)),
            submit(nordhav, request_for(product, 3, serial_rule=RULE)),
        ]
    for job in jobs:
        work(job)
    with brand_scope(nordhav.brand.id):
        token = MintUnit.objects.filter(batch_id=jobs[1].batch_id).first().token
        tokens = dict(MintUnit.objects.values_list("token", "batch_id"))
    with acting_as("web"):
        for asked in (
            {"serials": ("x", "c", "y")},
            {"serials": ("x", token, "y")},
            {"serials": ("x", "SN0096", "y")},
            {"serial_rule": SerialRule("A", 4, 3)},
            {"serial_rule": SerialRule("SN0", 3, 97)},
        ):
            with pytest.raises(MintBlocked) as blocked:
                submit(nordhav, request_for(product, 3, **asked))
            (reason,) = blocked.value.reasons
            assert reason.code == "SERIALS_ALREADY_USED"
            assert reason.detail["count"] == 1 or asked.get("serial_rule")
        free = blocked.value.reasons[0].detail["next_free_start"]
        submit(nordhav, request_for(product, 2, serial_rule=SerialRule("SN0", 3, free)))
    with pytest.raises(SerialListRefused):
        upload(nordhav, product, f"new\n{token}\n".encode())
    assert tokens[token] == jobs[1].batch_id


def test_a_token_that_is_all_digits_stops_a_sequence_of_its_length(nordhav, monkeypatch):
    monkeypatch.setattr(cycles, "generate_tokens", lambda count: ["2" * 20])
    with acting_as("web"):
        product = make_product(nordhav)
        job = submit(nordhav, request_for(product, 1))
    work(job)
    with acting_as("web"):
        rule = SerialRule("2" * 10, 10, 2222222220)
        with pytest.raises(MintBlocked) as blocked:
            submit(nordhav, request_for(product, 5, serial_rule=rule))
    assert blocked.value.reasons[0].detail["next_free_start"] == 2222222223


def test_a_cancelled_job_keeps_only_what_it_minted(nordhav):
    with acting_as("web"):
        product = make_product(nordhav)
        job = submit(nordhav, request_for(product, 17, serial_rule=RULE))
    cycles.run_cycle(claim_next())
    with all_brands():
        MintJob.objects.filter(pk=job.pk).update(
            status=JobStatus.CANCELLED, finished_at=job.created_at
        )
    with acting_as("web"):
        with pytest.raises(MintBlocked) as blocked:
            submit(nordhav, request_for(product, 2, serial_rule=SerialRule("SN", 4, 98)))
        assert blocked.value.reasons[0].detail["next_free_start"] == 99
        again = submit(nordhav, request_for(product, 2, serial_rule=SerialRule("SN", 4, 99)))
    work(again)
    assert [serial for _, serial, _ in units_of(again)] == ["SN0099", "SN0100"]


def test_packs_urls_and_scans_of_a_lot_agree(nordhav, connections):
    """One unit, told by the API's function, the pack's SQL and the resolver's lookup."""
    from exports.manifests import FrozenBatch
    from tests.resolver.units import WHEN

    mode = {"identity_mode": IdentityMode.BATCH, "lots": LOTS}
    job = queued_job(nordhav, 17, **mode, serials=OWN)
    work(job)
    with brand_scope(nordhav.brand.id):
        batch = MintBatch.objects.get(id=job.batch_id)
        units = list(MintUnit.objects.select_related("lot").filter(batch=batch).order_by("ordinal"))
        frozen = FrozenBatch(
            batch.id, batch.resolver_base, 1, batch.gtin, batch.sku, "", "first_scan", True, WHEN
        )
        query, names = pack_query(frozen, first=1, last=17)
        with connection.cursor() as cursor:
            cursor.execute(query, names)
            lines = cursor.fetchone()[0].splitlines()
    for unit, line in zip(units, lines, strict=True):
        url = resolver_url(
            base=batch.resolver_base,
            gtin=batch.gtin,
            token=unit.token,
            serial=unit.serial,
            lot=unit.lot.lot_code,
        )
        assert f'"{unit.serial}",{url},' in line
        assert f",{unit.lot.lot_code}," in line
        code = parse(unquote(url.removeprefix(batch.resolver_base)))
        assert code == DigitalLink(batch.gtin, lot=unit.lot.lot_code, serial=unit.serial)
        with acting_as("resolver"):
            assert find_unit(batch.brand_id, code).token == unit.token


def test_units_are_listed_by_lot(nordhav, client_of):
    mode = {"identity_mode": IdentityMode.BATCH, "lots": LOTS}
    jobs = [queued_job(nordhav, 17, **mode) for _ in range(2)]
    for job in jobs:
        work(job)
    with acting_as("web"):
        api = client_of(nordhav)

        def ordinals(**query: object) -> list[int]:
            answer = api.get("/api/v1/mint-units/", query)
            assert answer.status_code == 200, answer.content
            return [unit["ordinal"] for unit in answer.json()["data"]]

        assert ordinals(batch=jobs[0].batch_id, lot="L+2") == list(range(4, 13))
        assert ordinals(lot="L3") == [13, 13]
        assert ordinals(lot="nowhere") == []
        shown = api.get(f"/api/v1/mint-batches/{jobs[0].batch_id}/").json()["data"]
        assert [lot["minted_quantity"] for lot in shown["lots"]] == [3, 9, 1, 4]
    with brand_scope(nordhav.brand.id):
        assert MintLot.objects.count() == 8


def test_units_without_the_serial_their_batch_prescribes_are_refused(nordhav, monkeypatch):
    """A worker that does not know the batch's rule: one of the release before."""
    job = queued_job(nordhav, 4, serial_rule=SerialRule("S", 3, 1))
    plain = cycles.insert_units(has_lots=False, source=SerialSource.GENERATED)
    monkeypatch.setattr(cycles, "insert_units", lambda **_: plain)
    with pytest.raises(IntegrityError, match="with its serials and lots"):
        cycles.run_cycle(claim_next())
    with brand_scope(job.brand_id):
        assert not MintUnit.objects.filter(batch_id=job.batch_id).exists()
