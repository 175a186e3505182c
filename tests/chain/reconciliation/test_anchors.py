"""What is seeded between database, chain and documents is found, once, and acted upon."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from solders.keypair import Keypair

from exports import storage
from minting.chain.reconciliation.deciding import REPAIR, decide
from minting.metadata.drivers.embedded import EmbeddedStore, key_of
from minting.metadata.pinning import work_next_step
from minting.models import ChainSubmission, ChainTransaction, MetadataDocument, MintJob
from minting.revocations import Act
from minting.states import DriftKind, DriftStatus, RunScope
from tests.chain.reconciliation.conftest import (
    Reconciler,
    contents,
    forge,
    land,
    say,
)
from tests.chain.reconciliation.failing import failing
from tests.chain.sending.conftest import Sender, submissions, transactions
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scene:
    """A batch that is settled, and who pays."""

    sender: Sender
    job: MintJob
    anchored: Callable[..., MintJob]

    @property
    def first(self) -> ChainTransaction:
        return transactions(self.job)[0]

    def document(self) -> MetadataDocument:
        """Pin the batch's document."""
        with acting_as("worker"):
            work_next_step()
            with brand_scope(self.job.brand_id):
                return MetadataDocument.objects.get(product=self.job.batch.product_id)


def forged(scene: Scene, signature: str) -> str:
    """Have a further submission say that this signature is its own, and final."""
    forge(
        "with asked as (insert into minting_chainsubmission (id, brand_id, batch_id, kind, key,"
        " blockchain, network, payload, priority, status, attempts, fence, consecutive_errors,"
        " last_error, completed_at) select gen_random_uuid(), brand_id, batch_id, kind,"
        " 'anchor:forged:0', blockchain, network, '{\"memo\": \"\"}', 2, 'completed', 1, 0, 0,"
        " '', now() from minting_chaintransaction where id = %s returning *)"
        " insert into minting_chaintransaction (id, brand_id, batch_id, submission_id, kind,"
        " attempt, blockchain, network, payer, signature, signed_bytes, last_valid_block_height,"
        " mint_count, status, error, slot, fee, settled_at) select gen_random_uuid(), brand_id,"
        " batch_id, id, kind, 1, blockchain, network, %s, %s, '\\x01', 1, 0, 'finalized', '', 1,"
        " 5000, now() from asked",
        scene.first.pk,
        scene.sender.address,
        signature,
    )
    return signature


def missing(scene: Scene) -> str:
    return forged(scene, str(Keypair().sign_message(b"never sent")))


def in_vain(scene: Scene) -> str:
    return forged(scene, land(scene.sender, failing(scene.sender)))


def unfounded(scene: Scene) -> str:
    with acting_as("worker"), brand_scope(scene.job.brand_id):
        made = ChainSubmission.objects.create(
            brand_id=scene.job.brand_id,
            batch_id=scene.job.batch_id,
            kind="anchor",
            key="anchor:nothing:0",
            network="devchain",
            payload={"memo": "{}"},
            status="completed",
            completed_at="2026-01-01T00:00Z",
        )
    return str(made.pk)


def unasked(scene: Scene) -> str:
    """Lose the wish for the anchor of a batch before it is sent."""
    job = scene.anchored(5)
    (lost,) = submissions(job)
    forge("delete from minting_chainsubmission where id = %s", lost.pk)
    return f"{job.batch_id}:1"


def unpinned(scene: Scene) -> str:
    document = scene.document()
    storage.PackStorage().bucket.Object(key_of(str(document.cid))).delete()
    return str(document.pk)


def altered(scene: Scene) -> str:
    document = scene.document()
    storage.PackStorage().bucket.put_object(Key=key_of(str(document.cid)), Body=b"other")
    return str(document.pk)


def given_up(scene: Scene) -> str:
    """Have the row say that what has landed never could."""
    sent = scene.first
    forge(
        "update minting_chaintransaction set status = 'expired', slot = null, fee = null"
        " where id = %s",
        sent.pk,
    )
    forge(
        "update minting_chainsubmission set status = 'pending', completed_at = null,"
        " next_attempt_at = now() + interval '1 hour' where id = %s",
        sent.submission_id,
    )
    return sent.signature


def unsettled(scene: Scene) -> str:
    """Have nobody look after what has landed."""
    sent = scene.first
    forge(
        "update minting_chaintransaction set status = 'sent', settled_at = null where id = %s",
        sent.pk,
    )
    forge(
        "update minting_chainsubmission set status = 'sent', completed_at = null,"
        " next_attempt_at = now() - interval '1 hour' where id = %s",
        sent.submission_id,
    )
    return sent.signature


def twice(scene: Scene) -> str:
    """Have what was given up land beside the one that was signed after it."""
    sent = scene.first
    second = say(scene.sender, submissions(scene.job)[0].payload["memo"])
    forge(
        "insert into minting_chaintransaction (id, brand_id, batch_id, submission_id, kind,"
        " attempt, blockchain, network, payer, signature, signed_bytes, last_valid_block_height,"
        " mint_count, status, error) select gen_random_uuid(), brand_id, batch_id, submission_id,"
        " kind, 2, blockchain, network, payer, %s, signed_bytes, 1, 0, 'expired', ''"
        " from minting_chaintransaction where id = %s",
        second,
        sent.pk,
    )
    return second


def orphan(scene: Scene) -> str:
    return say(scene.sender, submissions(scene.job)[0].payload["memo"])


def spent(scene: Scene) -> str:
    return say(scene.sender, "not ours")


def otherwise(scene: Scene) -> str:
    sent = scene.first
    forge(
        "update minting_chainsubmission set payload = jsonb_set(payload, '{memo}', '\"else\"')"
        " where id = %s",
        sent.submission_id,
    )
    return sent.signature


SEEDS: list[tuple[DriftKind, DriftStatus, Callable[[Scene], str]]] = [
    (DriftKind.TRANSACTION_MISSING, DriftStatus.QUARANTINED, missing),
    (DriftKind.TRANSACTION_IN_VAIN, DriftStatus.QUARANTINED, in_vain),
    (DriftKind.SUBMISSION_UNFOUNDED, DriftStatus.QUARANTINED, unfounded),
    (DriftKind.ANCHOR_MISSING, DriftStatus.REPAIRED, unasked),
    (DriftKind.DOCUMENT_MISSING, DriftStatus.REPAIRED, unpinned),
    (DriftKind.DOCUMENT_DIFFERS, DriftStatus.QUARANTINED, altered),
    (DriftKind.TRANSACTION_LANDED, DriftStatus.REPAIRED, given_up),
    (DriftKind.TRANSACTION_LANDED, DriftStatus.REPAIRED, unsettled),
    (DriftKind.LANDED_TWICE, DriftStatus.QUARANTINED, twice),
    (DriftKind.ORPHAN_ANCHOR, DriftStatus.QUARANTINED, orphan),
    (DriftKind.UNKNOWN_SPENDING, DriftStatus.QUARANTINED, spent),
    (DriftKind.MEMO_DIFFERS, DriftStatus.QUARANTINED, otherwise),
]


@pytest.mark.parametrize(("kind", "status", "seed"), SEEDS, ids=[one[2].__name__ for one in SEEDS])
def test_what_is_seeded_is_found_once_and_acted_upon(
    reconciler: Reconciler,
    sender: Sender,
    settled: MintJob,
    anchored: Callable[..., MintJob],
    kind: DriftKind,
    status: DriftStatus,
    seed: Callable[[Scene], str],
) -> None:
    subject = seed(Scene(sender, settled, anchored))
    before = contents()
    looked = reconciler.full(read_only=True)
    assert contents() == before
    (left,) = reconciler.drifts()
    assert (left.kind, left.subject_id, left.status) == (kind, subject, DriftStatus.LEFT)
    assert (looked.status, looked.repaired, looked.quarantined) == ("completed", 0, 0)
    run = reconciler.scheduled()
    assert run.last_error == ""
    (found,) = reconciler.drifts()
    assert (found.pk, found.status) == (left.pk, status)
    is_repaired = status == DriftStatus.REPAIRED
    assert (run.repaired, run.quarantined) == (int(is_repaired), int(not is_repaired))
    sender.finish(settled)
    again = reconciler.full()
    assert [one.pk for one in reconciler.drifts()] == [found.pk]
    issues = again.db_to_chain_issues + again.chain_to_db_issues + again.mismatches
    assert (issues, again.repaired, again.quarantined) == (0, 0, 0)
    assert again.known == int(not is_repaired)
    assert again.successes > 0


def test_a_person_has_other_bytes_replaced_and_that_is_audited(
    reconciler: Reconciler, sender: Sender, anchored: Callable[..., MintJob]
) -> None:
    scene = Scene(sender, anchored(5), anchored)
    document = scene.document()
    subject = altered(scene)
    reconciler.full(scope=RunScope.DOCUMENTS)
    (found,) = reconciler.drifts()
    assert (found.status, found.subject_id) == (DriftStatus.QUARANTINED, subject)
    with acting_as("console"), all_brands():
        assert decide(drift_id=found.pk, decision=REPAIR, act=Act("user:1", "put it back"))
    reconciler.full(scope=RunScope.DOCUMENTS)
    (mended,) = reconciler.drifts()
    assert (mended.status, mended.wants_repair) == (DriftStatus.REPAIRED, False)
    assert EmbeddedStore().holds(str(document.cid))
    with brand_scope(scene.job.brand_id):
        actions = AuditEntry.objects.filter(target_id__in=(subject, str(found.pk)))
        assert list(actions.values_list("action", "actor").order_by("id")) == [
            ("drift.repair_asked", "user:1"),
            ("metadata_document.pinned_again", "system:reconciliation"),
        ]
