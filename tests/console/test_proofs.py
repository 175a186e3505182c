"""Proofs in the console: how far they came, what they met, and letting them go on."""

from typing import Any

import pytest
from django.test import Client

from minting import pipeline
from minting.models import BatchProof
from minting.proofs.building import PROVE
from minting.states import JobStatus, ProofStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_jobs, make_proof
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/batchproof/"


@pytest.fixture
def failed(shop: Shop) -> BatchProof:
    (job,) = make_jobs(shop, status=JobStatus.COMPLETED)
    return make_proof(
        shop, job, status=ProofStatus.FAILED, consecutive_errors=3, last_error="no disk"
    )


def retry(client: Client, *proofs: BatchProof) -> Any:
    chosen = {"action": "retry", "_selected_action": [str(proof.pk) for proof in proofs]}
    return client.post(LIST, chosen, follow=True)


def status_of(proof: BatchProof) -> str:
    with all_brands():
        return BatchProof.objects.get(pk=proof.pk).status


def test_a_failed_proof_goes_on_once_and_that_is_audited(
    console: Client,
    shop: Shop,
    failed: BatchProof,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args: rung.append(args))
    (waiting,) = (make_proof(shop, job) for job in make_jobs(shop, status=JobStatus.COMPLETED))
    with django_capture_on_commit_callbacks(execute=True):
        answer = retry(console, failed, waiting)
    assert [str(message) for message in answer.context["messages"]] == [
        "1 go on, 1 skipped (not failed)"
    ]
    assert status_of(failed) == ProofStatus.PENDING
    assert rung == [(PROVE, failed.pk)]
    with all_brands():
        entry = AuditEntry.objects.get(action="batch_proof.retried")
    assert (entry.actor, entry.target_id) == (f"user:{operator.pk}", str(failed.pk))
    assert entry.before == {"status": "failed", "last_error": "no disk"}


def test_staff_without_the_permission_change_nothing(failed: BatchProof) -> None:
    staff = staff_with("view_batchproof")
    assert "Let failed proofs go on" not in staff.get(LIST).content.decode()
    retry(staff, failed)
    assert status_of(failed) == ProofStatus.FAILED


def test_the_page_shows_what_it_met_and_never_the_salts(
    console: Client, failed: BatchProof
) -> None:
    page = console.get(f"{LIST}{failed.pk}/change/").content.decode()
    assert "no disk" in page
    assert "salt" not in page.lower()


def test_the_first_page_tells_of_failed_proofs(console: Client, failed: BatchProof) -> None:
    page = console.get("/admin/").content.decode()
    assert f'{LIST}?status__exact=failed"><strong>1</strong> failed proof' in page
