"""What passports show may change after minting: some of it, with a reason, told to everybody."""

import pytest
from django.test import Client

from minting.change_rules import changed_fields, immutable, merged, newly_missing
from minting.models import (
    BatchProof,
    MetadataDocument,
    MintBatch,
    MintEvent,
    MintJob,
    MintUnit,
    PassportChange,
    PassportVersion,
    Product,
)
from minting.passport_changes import Wanted, change_passport
from minting.passport_schema import CATEGORIES, load
from minting.proofs.document import read
from minting.proofs.verification import checks_of
from minting.revocations import Act
from resolver.languages import OFFERED
from tests.factories import make_world
from tests.minting.requests import queued_job
from tests.passports import ready_passport
from tests.planes import acting_as
from tests.proofs.conftest import minted, nordhav, proven, small_cycles  # noqa: F401 - fixtures
from tests.resolver.conftest import connections, public  # noqa: F401 - fixtures
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

MOVED = {"manufacturer_contact": {"website": "https://nordhav.example/moved"}}
REASON = "We have moved to <Aarhus>."


@pytest.mark.parametrize("category", CATEGORIES)
def test_whom_to_ask_may_change_and_what_the_item_is_may_not(category):
    fields = load(category).fields
    mutable = {name for name, field in fields.items() if field.is_mutable}
    assert {"manufacturer_contact", "manufacturer_address", "responsible_operator"} <= mutable
    lasting = {"manufacturer_name", "chemistry", "fibre_composition", "model_identifier"}
    assert not mutable & lasting
    for field in fields.values():
        comes_later = field.lifecycle == "dynamic" or field.requirement == "pending"
        assert field.is_mutable or not comes_later or field.supplied, field.name
        assert not (field.is_mutable and field.supplied), field.name


def test_a_change_names_what_differs_what_stays_and_what_it_would_take_away():
    before = ready_passport("generic")
    after = merged(before, {**MOVED, "manufacturer_name": "Else", "end_of_life": None})
    names = changed_fields(before, after)
    assert names == ("end_of_life", "manufacturer_contact", "manufacturer_name")
    assert [(one.field, one.code) for one in immutable("generic", (*names, "nonsense"))] == [
        ("manufacturer_name", "IMMUTABLE"),
        ("nonsense", "IMMUTABLE"),
    ]
    assert [one.field for one in newly_missing("generic", before, after)] == ["end_of_life"]
    assert list(newly_missing("generic", after, after)) == []
    assert changed_fields(before, merged(before, {})) == ()


@pytest.fixture
def job(proven) -> MintJob:  # noqa: F811
    """A batch of three units, minted and proven."""
    return proven(3)


def rows(job, model, **terms):
    with acting_as("web"), brand_scope(job.brand_id):
        return list(model.objects.filter(**terms))


def path_of(job) -> str:
    return f"/api/v1/mint-batches/{job.batch_id}/passport-changes/"


@pytest.mark.django_db(transaction=True)
def test_a_change_is_kept_and_told_and_leaves_the_product_as_it_is(job, nordhav, client_of):  # noqa: F811
    client = client_of(nordhav)
    answer = client.post(path_of(job), {"passport": MOVED, "reason": REASON})
    assert answer.status_code == 201, answer.json()
    told = answer.json()["data"]
    assert (told["number"], told["from_version"], told["to_version"]) == (1, 1, 2)
    assert (told["fields"], told["reason"]) == (["manufacturer_contact"], REASON)
    assert client.get(path_of(job)).json()["data"] == [told]
    (batch,) = rows(job, MintBatch)
    first, second = sorted(rows(job, PassportVersion), key=lambda one: one.number)
    assert (batch.passport_version_id, batch.shown_id) == (first.pk, second.pk)
    (product,) = rows(job, Product)
    assert (product.dpp_version, product.dpp) == (1, first.dpp)
    documents = {one.passport_version_id for one in rows(job, MetadataDocument)}
    assert documents == {first.pk, second.pk}
    (event,) = rows(job, MintEvent, type="batch.passport_changed")
    (entry,) = rows(job, AuditEntry, action="mint_batch.passport_changed")
    assert event.data["reason"] == entry.reason == REASON
    # Versions that batches show are counted with the product's own.
    mended = {**ready_passport("generic"), "repair_information": "Send it to us."}
    updated = client.patch(f"/api/v1/products/{product.pk}/", {"dpp": mended}).json()["data"]
    assert updated["dpp_version"] == 3
    answer = client.post(path_of(job), {"passport_version": 3, "reason": REASON})
    assert answer.status_code == 201
    assert [
        (one["to_version"], one["fields"]) for one in client.get(path_of(job)).json()["data"]
    ] == [
        (3, ["manufacturer_contact", "repair_information"]),
        (2, ["manufacturer_contact"]),
    ]


@pytest.mark.django_db(transaction=True)
def test_what_is_fixed_at_minting_is_refused_field_by_field_and_nothing_is_written(
    job,
    nordhav,  # noqa: F811
    client_of,
):
    client = client_of(nordhav)

    def refusal(**body):
        answer = client.post(path_of(job), {"reason": REASON, **body})
        error = answer.json()["error"]
        faults = {(one["field"], one["code"]) for one in error["fields"]}
        return answer.status_code, error["code"], faults

    wrong = {**MOVED, "manufacturer_name": "Else", "country_of_origin": "SE"}
    assert refusal(passport=wrong) == (
        422,
        "PASSPORT_IMMUTABLE",
        {
            ("passport.manufacturer_name", "IMMUTABLE"),
            ("passport.country_of_origin", "IMMUTABLE"),
        },
    )
    present = job.batch.passport_version.dpp["end_of_life"]
    refused = {
        "UNKNOWN_FIELD": {"passport": {"nonsense": 1}},
        "INVALID_TYPE": {"passport": {"manufacturer_contact": 5}},
        "MISSING": {"passport": {"end_of_life": None}},
        "UNCHANGED": {"passport": {"end_of_life": present}},
        "NOT_FOUND": {"passport_version": 7},
        "NOT_NEWER": {"passport_version": 1},
        "INVALID": {"passport": MOVED, "passport_version": 1},
        "BLANK": {"passport": MOVED, "reason": ""},
    }
    for code, body in refused.items():
        status, _, faults = refusal(**body)
        assert (status, {one for _, one in faults}) == (400, {code}), faults
    stranger = client_of(make_world("strangers"))
    asked = {"passport": MOVED, "reason": REASON}
    assert stranger.post(path_of(job), asked).status_code == 404
    waiting = queued_job(nordhav, 1)
    answer = client.post(path_of(waiting), asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "BATCH_NOT_MINTED")
    assert rows(job, PassportChange) == []
    assert {one.number for one in rows(job, PassportVersion)} == {1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.plane("resolver")
@pytest.mark.usefixtures("connections")
def test_everybody_is_shown_a_change_with_its_reason_and_the_proof_stays_true(
    job,
    public: Client,  # noqa: F811
):
    with acting_as("web"), brand_scope(job.brand_id):
        token = MintUnit.objects.filter(batch=job.batch_id).earliest("ordinal").token

    def passport(kind="application/json"):
        return public.get(f"/p/{token}", headers={"Accept": kind}).json()

    before, proof_before = passport(), public.get(f"/p/{token}/proof.json").json()
    with acting_as("web"), brand_scope(job.brand_id):
        wanted = Wanted({**MOVED, "end_of_life": "Bring it back."})
        change_passport(batch_id=job.batch_id, wanted=wanted, act=Act("user:1", REASON))
    shown = passport()
    assert shown["data"] == before["data"] | wanted.fields
    assert [one["reason"] for one in shown["changes"]] == [REASON]
    assert shown["lastUpdated"] == shown["changes"][0]["changedAt"] > before["lastUpdated"]
    linked = passport("application/ld+json")
    assert linked["changes"] == shown["changes"]
    assert linked["@context"]["changes"]["@type"] == "@json"
    for language in OFFERED:
        page = public.get(f"/p/{token}?lang={language}").text
        assert "We have moved to &lt;Aarhus&gt;." in page
        assert ("Changes to this passport" in page) is (language == "en")
    answer = public.get(f"/p/{token}/proof.json")
    proof = answer.json()
    changed = proof.pop("changed")
    assert (changed["minted_with"], changed["shows"], proof) == (1, 2, proof_before)
    (row,) = rows(job, BatchProof)
    assert all(check.passed for check in checks_of(read(answer.content), [row.key]))
    page = public.get(f"/p/{token}/proof").text
    assert "The proof names version 1 of the passport" in page
    assert "shows version 2" in page
