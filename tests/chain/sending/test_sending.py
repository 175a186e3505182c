"""Submissions happen on a chain exactly once, whatever the endpoints and the workers do."""

import dataclasses
import time

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from solders.keypair import Keypair

from minting.chain.sending import claims, looking, rounds, storing
from minting.models import ChainSubmission, ChainTransaction, MintEvent
from minting.states import SubmissionStatus, TransactionStatus
from minting.tasks import submit, sweep
from tests.chain.checking import problems_found
from tests.chain.devchains import Devchain
from tests.chain.sending.conftest import submissions, transactions
from tests.planes import acting_as
from tests.proofs.conftest import proof_row
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


def events(job) -> list[str]:
    with brand_scope(job.brand_id):
        names = MintEvent.objects.filter(batch=job.batch_id).values_list("type", flat=True)
        return [name for name in names if name.startswith(("batch.anch", "submission."))]


def due_now(job) -> None:
    with acting_as("worker"), all_brands():
        ChainSubmission.objects.filter(batch=job.batch_id).update(
            next_attempt_at=None, lease_until=None
        )


def test_every_root_is_on_the_chain_once_and_the_last_is_signed_by_the_brand(sender, anchored):
    job = anchored(2_500)
    done = sender.finish(job)
    proof = proof_row(job)
    assert [row.status for row in done] == [SubmissionStatus.COMPLETED] * 4
    memos = sorted(sender.memos(), key=lambda memo: memo["n"])
    assert [(memo["n"], memo["size"]) for memo in memos] == [
        (1, 700),
        (2, 1_400),
        (3, 2_100),
        (4, 2_500),
    ]
    assert {memo["batch"] for memo in memos} == {str(job.batch_id)}
    assert (memos[-1]["root"], memos[-1]["sig"], memos[-1]["key"]) == (
        proof.root,
        proof.signature,
        proof.key,
    )
    assert events(job) == ["batch.anchored"]


def test_the_task_sends_and_rings_again_while_something_is_not_final(sender, anchored, monkeypatch):
    rung = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append((a, k)))
    job = anchored(5)
    with acting_as("worker"):
        submit("hint")
    assert [row.status for row in transactions(job)] != []
    assert {args for args, _ in rung} <= {("chain.submit", "hint")}
    sender.finish(job)
    rung.clear()
    with acting_as("worker"):
        submit("hint")
        sweep()
    assert [args for args, _ in rung if args[0] == "chain.submit"] == []


def test_a_job_that_waits_comes_before_further_rounds(sender, anchored, monkeypatch):
    rung = []
    monkeypatch.setattr("minting.pipeline.ring_step", lambda *a, **k: rung.append(a))
    monkeypatch.setattr("minting.tasks.job_waits", lambda: True)
    job = anchored(5)
    with acting_as("worker"):
        submit("hint")
    (row,) = transactions(job)
    assert row.status == TransactionStatus.SENT
    assert rung == [("chain.submit", "hint")]


def test_what_a_transaction_has_cost_is_what_the_payer_lacks(sender, anchored):
    before = sender.chain.told("getBalance", sender.address)["value"]
    job = anchored(1_000)
    sender.finish(job)
    rows = transactions(job)
    assert [(row.fee, row.priority_fee, row.spent_besides) for row in rows] == [(5_000, 0, 0)] * 2
    assert all(row.compute_units and row.slot and row.settled_at for row in rows)
    after = sender.chain.told("getBalance", sender.address)["value"]
    assert before - after == 10_000


def test_a_batch_that_asks_for_no_chain_has_nothing_to_send(sender, proven):
    job = proven(5, chain_mode="none")
    assert submissions(job) == []
    assert sender.turn() is None


def test_nothing_is_sent_where_the_worker_has_no_key(sender, anchored):
    job = anchored(5)
    sender.settings.SOLANA_PAYER = None
    assert sender.turn() is None
    assert [row.status for row in submissions(job)] == [SubmissionStatus.PENDING]


def test_what_is_dropped_or_answered_wrongly_lands_once_all_the_same(sender, anchored):
    flaky = sender.chain.faulty("flaky", drop=0.8, lost=0.5)
    sender.settings.SOLANA_RPC_URLS = [flaky]
    job = anchored(2_500)
    done = sender.finish(job)
    assert [row.status for row in done] == [SubmissionStatus.COMPLETED] * 4
    assert sorted(memo["n"] for memo in sender.memos()) == [1, 2, 3, 4]


def test_nothing_is_signed_again_before_it_is_proven_dead(sender, anchored):
    mute = sender.chain.faulty("mute", drop=1.0)
    sender.settings.SOLANA_RPC_URLS = [mute]
    job = anchored(5)
    sender.turn(seconds=0.3)
    (first,) = transactions(job)
    height = sender.chain.told("getBlockHeight", {"commitment": "finalized"})
    assert height <= first.last_valid_block_height
    assert first.status == TransactionStatus.SENT
    deadline = time.monotonic() + 60
    while len(transactions(job)) == 1:
        assert time.monotonic() < deadline
        sender.turn(seconds=0.2)
    assert transactions(job)[0].status == TransactionStatus.EXPIRED
    height = sender.chain.told("getBlockHeight", {"commitment": "finalized"})
    assert height > first.last_valid_block_height
    sender.chain.faulty("mute")
    (done,) = sender.finish(job)
    assert (done.status, done.attempts) == (SubmissionStatus.COMPLETED, 2)
    assert [memo["n"] for memo in sender.memos()] == [1]
    assert problems_found(sender.chain, "I9") == []


def test_what_was_signed_again_too_early_is_found_by_the_checker(sender, anchored, monkeypatch):
    real = looking._standing

    def hasty(signed, answers):
        found = real(signed, answers)
        return dataclasses.replace(found, dead=found.unknown)

    monkeypatch.setattr(looking, "_standing", hasty)
    sender.settings.SOLANA_RPC_URLS = [sender.chain.faulty("mute", drop=1.0)]
    job = anchored(5)
    while len(transactions(job)) < 2:
        sender.turn(seconds=0.1)
    monkeypatch.undo()
    sender.chain.faulty("mute")
    sender.finish(job)
    too_early = [f"signed again too early: {row.signature}" for row in transactions(job)[1:]]
    assert problems_found(sender.chain, "I9") == too_early


def test_one_endpoint_that_is_ahead_and_has_forgotten_makes_nothing_dead(
    sender, anchored, monkeypatch
):
    liar = sender.chain.faulty("liar", ahead=10_000, forgets=True)
    sender.settings.SOLANA_RPC_URLS = [liar, sender.chain.url()]
    expired = []
    monkeypatch.setattr(rounds, "expire", expired.append)
    job = anchored(1_000)
    done = sender.finish(job)
    assert expired == []
    assert [row.attempts for row in done] == [1, 1]
    assert sorted(memo["n"] for memo in sender.memos()) == [1, 2]


def test_another_chain_is_asked_nothing_about_what_was_sent_on_this_one(sender, anchored, tmp_path):
    mute = sender.chain.faulty("gone", drop=1.0)
    sender.settings.SOLANA_RPC_URLS = [mute]
    job = anchored(5)
    sender.turn(seconds=0.3)
    other = Devchain(tmp_path)
    other.start()
    try:
        sender.settings.SOLANA_RPC_URLS = [other.faulty("ahead", ahead=10_000)]
        due_now(job)
        assert sender.turn() is None
    finally:
        other.kill()
    (row,) = transactions(job)
    assert row.status == TransactionStatus.SENT


@pytest.mark.parametrize("point", ["chain.signed", "chain.before_send", "chain.sent"])
def test_whoever_takes_over_sends_the_same_bytes(sender, anchored, monkeypatch, point):
    job = anchored(1_000)

    def die(name: str) -> None:
        if name == point:
            raise SystemExit

    from minting.chain.sending import preparing

    for module in (rounds, preparing, storing):
        monkeypatch.setattr(module, "reach", die)
    with pytest.raises(SystemExit):
        sender.turn()
    signed = sorted((row.signature, row.attempt) for row in transactions(job))
    assert len(signed) == 2
    monkeypatch.undo()
    due_now(job)
    sender.finish(job)
    assert sorted((row.signature, row.attempt) for row in transactions(job)) == signed
    assert sorted(memo["n"] for memo in sender.memos()) == [1, 2]


def test_what_died_before_it_was_stored_was_never_sent(sender, anchored, monkeypatch):
    job = anchored(5)

    def die(name: str) -> None:
        if name == "chain.before_commit":
            raise SystemExit

    monkeypatch.setattr(storing, "reach", die)
    with pytest.raises(SystemExit):
        sender.turn()
    assert transactions(job) == []
    monkeypatch.undo()
    due_now(job)
    (done,) = sender.finish(job)
    assert done.attempts == 1
    assert len(sender.memos()) == 1


def test_who_lost_a_submission_to_another_signs_nothing(sender, anchored):
    anchored(5)
    with acting_as("worker"), all_brands():
        (slow,) = claims.claim(10)
        ChainSubmission.objects.update(lease_until=None)
        (quick,) = claims.claim(10)
        made = [
            storing.Made(flight, str(Keypair().sign_message(b"x")), b"\x01", 0)
            for flight in (slow, quick)
        ]
        storing.store(made[:1], payer=sender.address, last_valid_block_height=1)
        assert slow.signed is None
        storing.store(made[1:], payer=sender.address, last_valid_block_height=1)
        assert quick.signed is not None
        assert claims.claim(10) == []


def test_the_database_holds_one_transaction_that_may_land(sender, anchored):
    job = anchored(5)
    sender.finish(job)
    (row,) = transactions(job)
    with acting_as("worker"), all_brands(), pytest.raises(IntegrityError), transaction.atomic():
        ChainTransaction.objects.create(
            brand_id=row.brand_id,
            batch_id=row.batch_id,
            submission_id=row.submission_id,
            kind=row.kind,
            attempt=2,
            network=row.network,
            payer=row.payer,
            signature=str(Keypair().sign_message(b"x")),
            signed_bytes=b"\x01",
            last_valid_block_height=1,
        )


def test_what_was_signed_and_what_is_settled_stays(sender, anchored):
    job = anchored(5)
    sender.finish(job)
    (row,) = transactions(job)
    with acting_as("worker"), all_brands():
        for change in ({"fee": 0}, {"status": TransactionStatus.EXPIRED}, {"signature": "1" * 64}):
            with pytest.raises(ProgrammingError), transaction.atomic():
                ChainTransaction.objects.filter(pk=row.pk).update(**change)
        with pytest.raises(ProgrammingError), transaction.atomic():
            ChainSubmission.objects.filter(batch=job.batch_id).update(status="pending")


def test_a_payer_without_lamports_is_named_and_nothing_is_lost(sender, anchored):
    sender.pays_with(Keypair())
    sender.chain.told("requestAirdrop", sender.address, 892_000)
    job = anchored(5)
    sender.turn()
    (row,) = submissions(job)
    assert (row.status, row.consecutive_errors) == (SubmissionStatus.PENDING, 0)
    assert sender.address in row.last_error
    assert "has 892,000 lamports, and 895,880 are needed" in row.last_error
    sender.chain.told("requestAirdrop", sender.address, 10**9)
    due_now(job)
    (done,) = sender.finish(job)
    assert (done.status, done.last_error) == (SubmissionStatus.COMPLETED, "")


def test_what_the_chain_refuses_for_good_waits_for_a_person(sender, anchored):
    job = anchored(5)
    with acting_as("worker"), all_brands():
        # A memo must be UTF-8; JSON of PostgreSQL cannot hold other bytes, so one too long.
        row = submissions(job)[0]
        row.payload["memo"] = "x" * 1_200
        ChainSubmission.objects.filter(pk=row.pk).update(payload=row.payload)
    (failed,) = sender.finish(job)
    assert failed.status == SubmissionStatus.FAILED
    assert "1232 fit" in failed.last_error
    assert transactions(job) == []
    assert events(job) == ["submission.failed"]


def test_what_nothing_can_be_made_of_keeps_nobody_waiting(sender, anchored):
    job = anchored(1_000)
    with acting_as("worker"), all_brands():
        ChainSubmission.objects.filter(pk=submissions(job)[0].pk).update(payload={})
    broken, sound = sender.finish(job)
    assert (broken.status, sound.status) == (SubmissionStatus.FAILED, SubmissionStatus.COMPLETED)
    assert "KeyError" in broken.last_error


def test_endpoints_that_do_not_answer_leave_everything_for_later(sender, anchored):
    sender.settings.SOLANA_RPC_URLS = ["http://127.0.0.1:9/"]
    job = anchored(5)
    assert sender.turn() is None
    (row,) = submissions(job)
    assert (row.status, row.consecutive_errors) == (SubmissionStatus.PENDING, 0)
    assert row.next_attempt_at is not None
    assert "no endpoint answers" in row.last_error
    sender.settings.SOLANA_RPC_URLS = [sender.chain.url()]
    due_now(job)
    (done,) = sender.finish(job)
    assert done.status == SubmissionStatus.COMPLETED


def test_a_key_of_another_chain_pays_for_nothing(sender, anchored):
    sender.settings.SOLANA_NETWORK = "devnet"
    job = anchored(5)
    assert sender.turn() is None
    assert transactions(job) == []
    (row,) = submissions(job)
    assert row.status == SubmissionStatus.PENDING
    assert "set SOLANA_RPC_URLS to endpoints of devnet" in row.last_error
