"""Building the trees: a root for each cycle, one signed for the batch, whatever dies in between."""

import json
from datetime import UTC

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.db.utils import DatabaseError

from minting.lots import Lot
from minting.models import BatchProof, MintEvent, MintUnit, PassportVersion, ProofHead, ProofKey
from minting.proofs import building
from minting.proofs.building import work_next_step
from minting.proofs.giving import proof_of
from minting.proofs.leaves import leaf_data, salts_of
from minting.proofs.merkle import leaf_hash, root_of
from minting.proofs.passports import canonical_passport, passport_sha256
from minting.proofs.statement import is_signed
from minting.proofs.trees import statement_of
from minting.proofs.verification import checks_of
from minting.serials import resolver_url
from minting.states import IdentityMode, ProofStatus
from minting.tasks import prove, prove_missed, sweep
from tests.planes import acting_as, cut_own_connection
from tests.proofs.conftest import proof_row
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


def leaves(job) -> list[bytes]:
    """The hashes of a batch's leaves, written from the models one by one."""
    proof = proof_row(job)
    with brand_scope(job.brand_id):
        units = MintUnit.objects.filter(batch=job.batch_id).select_related("lot", "batch")
        return [
            leaf_hash(
                leaf_data(
                    product_id=unit.product_id,
                    passport_sha256=bytes.fromhex(proof.passport_sha256),
                    salt=salts_of(bytes(proof.salt_key), unit.ordinal, 1),
                    uri=resolver_url(
                        base=unit.batch.resolver_base,
                        gtin=unit.batch.gtin,
                        lot=unit.lot.lot_code if unit.lot else None,
                        token=unit.token,
                        serial=unit.serial,
                    ),
                )
            )
            for unit in units.order_by("ordinal")
        ]


def heads(job) -> list[tuple[int, int, str]]:
    with brand_scope(job.brand_id):
        rows = ProofHead.objects.filter(batch=job.batch_id).order_by("number")
        return list(rows.values_list("number", "size", "root"))


def events(job) -> list[str]:
    with brand_scope(job.brand_id):
        rows = MintEvent.objects.filter(batch=job.batch_id).order_by("id")
        return [name for name in rows.values_list("type", flat=True) if name.startswith("proof.")]


def due_now(job) -> None:
    with all_brands():
        BatchProof.objects.filter(pk=job.batch_id).update(next_attempt_at=None)


def test_a_minted_batch_waits_for_its_proof(minted):
    job = minted(3)
    proof = proof_row(job)
    assert (proof.status, proof.quantity, proof.hashed_quantity) == (ProofStatus.PENDING, 3, 0)
    assert building.oldest_unfinished() == job.batch_id


def test_each_cycle_has_a_root_and_the_last_one_is_signed(minted):
    job = minted(2_500)
    steps = 0
    while work_next_step() == job.batch_id:
        steps += 1
    expected = leaves(job)
    assert steps == 4
    assert heads(job) == [
        (number, size, root_of(expected[:size]).hex())
        for number, size in enumerate((700, 1_400, 2_100, 2_500), 1)
    ]
    proof = proof_row(job)
    assert (proof.status, proof.root) == (ProofStatus.SIGNED, root_of(expected).hex())
    assert is_signed(statement_of(proof), proof.key, proof.signature)
    assert events(job) == ["proof.signed"]
    with brand_scope(job.brand_id):
        assert [row.public_key for row in ProofKey.objects.all()] == [proof.key]


@pytest.mark.parametrize(
    "fields",
    [
        {"serials": tuple(f"S/{n},'" for n in range(6))},
        {"identity_mode": IdentityMode.BATCH, "lots": (Lot("L+1", 4), Lot("L/2", 2))},
    ],
    ids=["own serials", "lots"],
)
def test_what_is_hashed_is_the_text_of_each_code(proven, fields):
    job = proven(6, **fields)
    assert proof_row(job).root == root_of(leaves(job)).hex()


def test_every_unit_is_proven_by_its_own_proof(proven):
    job = proven(2_500)
    key = proof_row(job).key
    with brand_scope(job.brand_id):
        wanted = (1, 2, 700, 701, 1_024, 1_025, 2_048, 2_049, 2_499, 2_500)
        units = MintUnit.objects.filter(batch=job.batch_id, ordinal__in=wanted)
        for unit in units.order_by("ordinal"):
            proof = proof_of(unit)
            assert proof.index == unit.ordinal - 1
            assert proof.leaf.uri.endswith(f"/21/{unit.token}")
            assert [check.passed for check in checks_of(proof, [key])] == [True] * 4


def test_a_second_batch_salts_its_leaves_with_another_key(proven):
    first, second = proven(2), proven(2)
    assert proof_row(first).salt_key != proof_row(second).salt_key
    with brand_scope(first.brand_id):
        assert ProofKey.objects.count() == 1


def test_the_step_that_dies_is_taken_up_by_the_next(minted, monkeypatch):
    job = minted(2_000)
    assert work_next_step() == job.batch_id
    before = heads(job)

    def die(name: str) -> None:
        if name == "proofs.before_commit":
            raise SystemExit

    monkeypatch.setattr(building, "reach", die)
    with pytest.raises(SystemExit):
        work_next_step()
    assert heads(job) == before
    monkeypatch.undo()
    while work_next_step():
        pass
    assert proof_row(job).root == root_of(leaves(job)).hex()
    assert [size for _, size, _ in heads(job)] == [700, 1_400, 2_000]


def test_the_workers_patience_is_no_error_of_the_proof(minted, monkeypatch):
    job = minted(3)

    def too_long(proof: BatchProof) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(building, "_step", too_long)
    with pytest.raises(SoftTimeLimitExceeded):
        work_next_step()
    assert proof_row(job).consecutive_errors == 0


def test_a_lost_connection_is_no_error_of_the_proof(minted, monkeypatch):
    job = minted(3)
    step = building._step

    def cut(proof: BatchProof) -> None:
        cut_own_connection()
        step(proof)

    monkeypatch.setattr(building, "_step", cut)
    with pytest.raises(DatabaseError):
        work_next_step()
    monkeypatch.undo()
    connection.close()
    assert proof_row(job).consecutive_errors == 0
    assert work_next_step() == job.batch_id
    assert proof_row(job).status == ProofStatus.SIGNED


def test_three_errors_in_a_row_end_it_and_a_person_may_ask_again(minted, monkeypatch):
    job = minted(3)

    def fail(proof: BatchProof) -> None:
        raise ValueError("a secret of the inside")

    monkeypatch.setattr(building, "_step", fail)
    for errors in (1, 2, 3):
        assert work_next_step() == job.batch_id
        assert proof_row(job).consecutive_errors == errors
        due_now(job)
    failed = proof_row(job)
    assert failed.status == ProofStatus.FAILED
    assert failed.last_error == "Internal error ValueError; the worker's log has it."
    assert events(job) == ["proof.failed"]
    assert work_next_step() is None
    monkeypatch.undo()
    with acting_as("console"), all_brands():
        BatchProof.objects.filter(pk=job.batch_id).update(
            status=ProofStatus.PENDING, consecutive_errors=0, last_error=""
        )
    assert work_next_step() == job.batch_id
    assert proof_row(job).status == ProofStatus.SIGNED


def test_units_that_are_missing_are_not_passed_over(minted, monkeypatch):
    job = minted(5)
    uris = building.leaves_of

    def one_short(proof: BatchProof, *, first: int, last: int):
        return uris(proof, first=first, last=last + 1)

    monkeypatch.setattr(building, "leaves_of", one_short)
    work_next_step()
    assert proof_row(job).last_error == "There are 5 units from 1 to 6."


def test_a_signed_proof_and_a_head_are_final(proven):
    job = proven(2)
    for change in (
        lambda: BatchProof.objects.filter(pk=job.batch_id).update(signature="00" * 64),
        lambda: BatchProof.objects.filter(pk=job.batch_id).update(status=ProofStatus.PENDING),
    ):
        with pytest.raises(DatabaseError), brand_scope(job.brand_id):
            change()
    with acting_as("worker"), pytest.raises(DatabaseError), brand_scope(job.brand_id):
        ProofHead.objects.filter(batch=job.batch_id).update(root="00" * 32)


def test_batches_of_before_are_proven_too(minted, monkeypatch):
    job = minted(3)
    with acting_as("owner"), all_brands(), connection.cursor() as cursor:
        cursor.execute("alter table minting_batchproof no force row level security")
        cursor.execute("delete from minting_batchproof")
        cursor.execute("alter table minting_batchproof force row level security")
    rung = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append(a) or True)
    prove_missed()
    assert rung == [(building.PROVE, "missed")]
    prove_missed()
    assert len(rung) == 1
    assert work_next_step() == job.batch_id
    assert proof_row(job).status == ProofStatus.SIGNED


def test_the_task_works_until_all_is_signed_and_the_sweep_rings_for_it(minted, monkeypatch):
    first, second = minted(1_000), minted(3)
    rung = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append(a) or True)
    sweep()
    assert (building.PROVE, first.batch_id) in rung
    rung.clear()
    prove()
    assert {proof_row(job).status for job in (first, second)} == {ProofStatus.SIGNED}
    assert rung == []
    sweep()
    assert building.PROVE not in [name for name, _ in rung]


def test_a_job_that_waits_comes_before_further_steps(minted, monkeypatch):
    job = minted(2_500)
    rung = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append(a) or True)
    monkeypatch.setattr("minting.tasks.job_waits", lambda: True)
    prove()
    assert len(heads(job)) == 1
    assert rung == [(building.PROVE, job.batch_id)]


def test_the_passports_hash_is_that_of_its_canonical_json(proven):
    job = proven(1)
    proof = proof_row(job)
    version = proof.batch.passport_version
    text = canonical_passport(version).decode()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert json.loads(text)["number"] == version.number
    assert proof.passport_sha256 == passport_sha256(version)


def test_numbers_that_no_reader_of_json_can_hold_are_hashed_as_readers_see_them():
    version = PassportVersion(category="generic", number=1, schema_version=1)
    version.dpp = {"big": 2**63 + 1, "list": [1, {"deep": -(2**60)}], "half": 0.5}
    known = json.loads(canonical_passport(version))
    assert float(known["dpp"]["big"]) == float(2**63)
    assert known["dpp"]["list"][0] == 1
    assert float(known["dpp"]["list"][1]["deep"]) == -float(2**60)


def test_the_moment_is_signed_in_utc(proven):
    proof = proof_row(proven(1))
    stated = statement_of(proof).signed_at
    assert stated == proof.signed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
