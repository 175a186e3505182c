"""Pinning: once is enough, twice is harmless, and what fails is tried again or left to a person."""

from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from exports import storage
from minting import pipeline
from minting.metadata import pinning
from minting.metadata.asking import PIN
from minting.metadata.cid import is_cid_of
from minting.metadata.pinning import OUTAGE_ATTEMPTS, Step, oldest_unfinished, work_next_step
from minting.models import MetadataDocument, Product
from minting.states import MetadataStatus
from minting.tasks import pin, sweep
from tests.emptying import empty_tables
from tests.factories import make_product
from tests.metadata.conftest import documents
from tests.metadata.kubo_node import KuboNode
from tests.metadata.pinata_account import JWT, PinataAccount
from tests.metadata.serving import Fault, as_json
from tests.planes import acting_as, cut_own_connection
from tieback.brands.models import Brand
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]


@pytest.fixture
def at_kubo(node: KuboNode, settings: Any) -> KuboNode:
    """Pin at a node."""
    settings.IPFS_PROVIDER, settings.IPFS_API_URL = "kubo", node.url
    return node


@pytest.fixture
def at_pinata(account: PinataAccount, settings: Any) -> PinataAccount:
    """Pin at an account."""
    settings.IPFS_PROVIDER, settings.PINATA_JWT = "pinata", JWT
    settings.PINATA_API_URL = settings.PINATA_UPLOAD_URL = account.url
    settings.IPFS_GATEWAY_URL = account.url
    return account


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bells that are rung for one step."""
    bells: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args, **_: bells.append(args))
    return bells


def only(product: Product) -> MetadataDocument:
    (document,) = documents(product)
    return document


def due_now() -> None:
    with all_brands():
        waiting = MetadataDocument.objects.filter(status=MetadataStatus.PENDING)
        waiting.update(next_attempt_at=None)


def waits_for(document: MetadataDocument) -> timedelta:
    assert document.next_attempt_at is not None
    return document.next_attempt_at - timezone.now()


def test_a_document_is_composed_and_pinned_where_the_settings_say(minted, product, bucket):
    minted()
    assert work_next_step() is Step.PINNED
    document = only(product)
    cid, content = document.composed
    assert (document.status, document.driver) == (MetadataStatus.PINNED, "embedded")
    assert is_cid_of(cid, content)
    assert storage.read(f"ipfs/{cid}") == content
    assert (document.size, document.consecutive_errors) == (len(content), 0)
    assert document.pinned_at is not None
    assert work_next_step() is Step.NOTHING
    assert oldest_unfinished() is None


def test_a_node_gets_the_bytes_that_the_row_has(minted, product, at_kubo):
    minted()
    assert work_next_step() is Step.PINNED
    document = only(product)
    assert document.driver == "kubo"
    assert at_kubo.blocks == {document.cid: bytes(document.content)}
    assert at_kubo.pinned == {document.cid}


def test_an_account_keeps_them_under_the_same_name(minted, product, at_pinata):
    minted()
    assert work_next_step() is Step.PINNED
    document = only(product)
    assert document.driver == "pinata"
    assert at_pinata.files == {document.cid: bytes(document.content)}


def test_documents_are_pinned_in_their_order(nordhav, minted, product, bucket):
    minted()
    with acting_as("web"):
        second = make_product(nordhav)
    minted(second)
    work_next_step()
    assert (only(product).status, only(second).status) == ("pinned", "pending")


@pytest.mark.parametrize(
    "fault", [Fault(503), Fault(0), Fault(500, b"oops"), Fault(200, b"<html>")], ids=str
)
def test_a_place_that_is_away_is_asked_again_later(minted, product, at_kubo, fault):
    minted()
    at_kubo.faults.append(fault)
    assert work_next_step() is Step.LATER
    document = only(product)
    assert (document.status, document.consecutive_errors) == ("pending", 1)
    assert document.last_error.startswith("the IPFS node ")
    due_now()
    assert work_next_step() is Step.PINNED
    after = only(product)
    assert (after.consecutive_errors, after.last_error, after.next_attempt_at) == (0, "", None)
    assert after.cid == document.cid


def test_waits_double_up_to_five_minutes(minted, product, at_kubo, settings):
    settings.RETRY_BASE_DELAY_MS = 100_000
    minted()
    waits = []
    for _ in range(4):
        at_kubo.faults.append(Fault(503))
        due_now()
        assert work_next_step() is Step.LATER
        waits.append(waits_for(only(product)).total_seconds())
    assert 70 < waits[0] < 130 < waits[1] < 260 < waits[2] <= 300
    assert 290 < waits[3] <= 300


def test_a_busy_place_is_left_alone_for_as_long_as_it_says(minted, product, at_pinata):
    minted()
    at_pinata.faults.append(Fault(429, headers={"Retry-After": "1800"}))
    assert work_next_step() is Step.LATER
    assert timedelta(minutes=29) < waits_for(only(product)) <= timedelta(minutes=30)
    assert work_next_step() is Step.NOTHING
    assert len(at_pinata.asked) == 1


def test_a_place_that_stays_away_leaves_it_to_a_person_in_the_end(minted, product, at_kubo):
    minted()
    with all_brands():
        MetadataDocument.objects.update(consecutive_errors=OUTAGE_ATTEMPTS - 1)
    at_kubo.faults.append(Fault(503))
    assert work_next_step() is Step.FAILED
    document = only(product)
    assert (document.status, document.next_attempt_at) == (MetadataStatus.FAILED, None)
    assert work_next_step() is Step.NOTHING


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(401), "Pinata refused our key (401): see the settings"),
        (Fault(403), "Pinata refused our key (403): see the settings"),
        (Fault(413), "Pinata refused the request (413)"),
        (as_json(200, {"data": {"cid": "bafkrei"}}), "Pinata gave the block another CID"),
    ],
    ids=str,
)
def test_a_refusal_is_left_to_a_person_at_once(minted, product, at_pinata, fault, said):
    minted()
    at_pinata.faults.append(fault)
    assert work_next_step() is Step.FAILED
    document = only(product)
    assert (document.status, document.last_error) == (MetadataStatus.FAILED, said)
    assert document.consecutive_errors == 1
    assert JWT not in document.last_error


def test_errors_of_our_own_are_tried_as_often_as_the_settings_say(
    minted, product, bucket, settings, monkeypatch
):
    settings.MAX_RETRIES = 2

    def breaks() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(pinning, "chosen_driver", breaks)
    minted()
    assert work_next_step() is Step.LATER
    due_now()
    assert work_next_step() is Step.FAILED
    assert only(product).last_error == "Internal error RuntimeError; the worker's log has it."


def test_what_is_sent_and_not_listed_yet_is_not_pinned(minted, product, at_kubo):
    minted()
    at_kubo.forgets_pins = True
    assert work_next_step() is Step.LATER
    assert only(product).status == MetadataStatus.PENDING


def test_what_is_unsound_goes_nowhere_and_says_what_to_mend(nordhav, minted, product, at_kubo):
    minted()
    with acting_as("console"), all_brands():
        Brand.objects.filter(pk=nordhav.brand.pk).update(resolver_host="")
    assert work_next_step() is Step.FAILED
    document = only(product)
    assert document.last_error.startswith("external_url: It must be an http or https address.")
    assert (document.cid, at_kubo.asked) == (None, [])


# Workers that die


def test_a_worker_that_dies_between_pinning_and_recording_is_followed_by_another(
    minted, product, at_kubo, monkeypatch
):
    class Died(BaseException):
        pass

    def die(point: str) -> None:
        if point == "metadata.pinned":
            raise Died

    minted()
    with monkeypatch.context() as patch:
        patch.setattr(pinning, "reach", die)
        with pytest.raises(Died):
            work_next_step()
    left = only(product)
    assert (left.status, left.consecutive_errors, len(at_kubo.pinned)) == ("pending", 0, 1)
    # Nobody comes before the dead worker's time is over.
    assert work_next_step() is Step.NOTHING
    assert waits_for(left) > timedelta(minutes=4)
    due_now()
    assert work_next_step() is Step.PINNED
    assert [asked.path for asked in at_kubo.asked].count("/api/v0/block/put") == 2
    assert at_kubo.blocks == {left.cid: bytes(left.content)}


def test_two_workers_with_one_document_record_it_once(minted, product, at_kubo):
    minted()
    claims = []
    for _ in range(2):
        due_now()
        claims.append(pinning._claim())
    assert claims[0] == claims[1]
    driver = pinning.chosen_driver()
    cid, content = pinning._composed(claims[0])
    pinning._pin(driver, cid, content)
    pinning._record(claims[0], driver)
    first = only(product).pinned_at
    pinning._pin(driver, cid, content)
    pinning._record(claims[1], driver)
    assert only(product).pinned_at == first
    assert pinning._record_error(claims[1], RuntimeError()) is Step.LATER
    assert only(product).consecutive_errors == 0


def test_the_end_of_a_workers_patience_is_no_error_of_the_document(
    minted, product, bucket, monkeypatch
):
    def interrupt() -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(pinning, "chosen_driver", interrupt)
    minted()
    with pytest.raises(SoftTimeLimitExceeded):
        work_next_step()
    assert only(product).consecutive_errors == 0


def test_a_lost_connection_is_no_error_of_the_document(minted, product, bucket, monkeypatch):
    def cut(_: str) -> None:
        cut_own_connection()

    minted()
    with monkeypatch.context() as patch:
        patch.setattr(pinning, "reach", cut)
        with pytest.raises((OperationalError, InterfaceError)):
            work_next_step()
    assert (only(product).consecutive_errors, only(product).status) == (0, "pending")
    due_now()
    assert work_next_step() is Step.PINNED


# Bells


def test_a_window_pins_what_waits(nordhav, minted, product, bucket, rung):
    minted()
    with acting_as("web"):
        second = make_product(nordhav)
    minted(second)
    pin()
    assert [only(one).status for one in (product, second)] == ["pinned", "pinned"]
    assert rung == []


def test_a_step_takes_one_document_where_the_planner_expects_no_more(
    nordhav, minted, product, bucket
):
    minted()
    with acting_as("owner"), connection.cursor() as cursor:
        # What was counted while the table held nothing: then a plan may ask for the document that
        # is due once for each that there is.
        empty_tables("minting_metadatadocument")
        cursor.execute("analyze minting_metadatadocument")
    with acting_as("web"):
        others = [make_product(nordhav) for _ in range(3)]
    for each in others:
        minted(each)
    assert [work_next_step() for _ in others] == [Step.PINNED] * 3


def test_a_window_ends_where_the_place_is_away(nordhav, minted, product, at_kubo, rung):
    minted()
    with acting_as("web"):
        minted(make_product(nordhav))
    at_kubo.faults.append(Fault(503))
    pin()
    assert len(at_kubo.asked) == 1
    assert rung == []


def test_a_window_that_is_over_rings_for_the_next(nordhav, minted, product, bucket, rung, settings):
    settings.TIEBACK_WINDOW_SECONDS = 0
    minted()
    pin("why")
    assert rung == [(PIN, "why")]


def test_the_sweep_rings_for_what_is_due(minted, product, bucket, rung):
    minted()
    sweep()
    assert (PIN, only(product).pk) in rung
    work_next_step()
    rung.clear()
    sweep()
    assert not [bell for bell in rung if bell[0] == PIN]
