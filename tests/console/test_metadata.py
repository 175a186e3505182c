"""Metadata documents in the console: what they say, letting them go on, asking for their pins."""

from typing import Any

import pytest
from django.test import Client

from exports import storage
from minting import pipeline
from minting.metadata.asking import PIN
from minting.metadata.drivers.embedded import EmbeddedStore, key_of
from minting.models import MetadataDocument
from minting.states import MetadataStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_document, open_shop
from tests.metadata.conftest import _bucket_of_the_run, bucket  # noqa: F401 - fixtures
from tests.planes import acting_as
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/metadatadocument/"
PINNED = {"status": MetadataStatus.PINNED, "driver": "embedded", "pinned_at": "2026-01-01T00:00Z"}


@pytest.fixture
def failed(shop: Shop) -> MetadataDocument:
    return make_document(
        shop, status=MetadataStatus.FAILED, consecutive_errors=1, last_error="Pinata refused"
    )


def act(client: Client, action: str, *documents: MetadataDocument) -> list[str]:
    chosen = {"action": action, "_selected_action": [str(one.pk) for one in documents]}
    answer = client.post(LIST, chosen, follow=True)
    return [str(message) for message in answer.context["messages"]]


def status_of(document: MetadataDocument) -> str:
    with all_brands():
        return MetadataDocument.objects.get(pk=document.pk).status


def entries(action: str) -> list[AuditEntry]:
    with all_brands():
        return list(AuditEntry.objects.filter(action=action))


def test_a_failed_document_goes_on_once_and_that_is_audited(
    console: Client,
    shop: Shop,
    failed: MetadataDocument,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args: rung.append(args))
    waiting = make_document(open_shop("lichtwerk"))
    with django_capture_on_commit_callbacks(execute=True):
        said = act(console, "retry", failed, waiting)
    assert said == ["1 go on, 1 skipped (not failed)"]
    assert status_of(failed) == MetadataStatus.PENDING
    assert rung == [(PIN, failed.pk)]
    (entry,) = entries("metadata_document.retried")
    assert (entry.actor, entry.target_id) == (f"user:{operator.pk}", str(failed.pk))
    assert entry.before == {"status": "failed", "last_error": "Pinata refused"}


def test_staff_without_the_permissions_change_nothing_and_ask_nobody(
    failed: MetadataDocument,
) -> None:
    staff = staff_with("view_metadatadocument")
    page = staff.get(LIST).content.decode()
    for words in ("Let failed documents go on", "Check the pins", "Pin again"):
        assert words not in page
    act(staff, "retry", failed)
    assert status_of(failed) == MetadataStatus.FAILED


def test_the_page_shows_what_it_says_and_what_it_met(
    console: Client, shop: Shop, failed: MetadataDocument
) -> None:
    page = console.get(f"{LIST}{failed.pk}/change/").content.decode()
    assert "Pinata refused" in page
    assert str(failed.cid) in page
    assert f"&quot;name&quot;: &quot;{shop.product.name}&quot;" in page
    assert f"/ipfs/{failed.cid}" in page


def test_what_a_document_says_is_never_markup(console: Client, shop: Shop) -> None:
    shop.product.name = "<script>alert(1)</script>"
    document = make_document(shop)
    page = console.get(f"{LIST}{document.pk}/change/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_document_that_is_not_composed_has_a_page(console: Client, shop: Shop) -> None:
    nothing = dict.fromkeys(("cid", "short_id", "content", "size"))
    document = make_document(shop, **nothing, sha256="")
    assert console.get(f"{LIST}{document.pk}/change/").status_code == 200


def test_pins_are_checked_where_they_were_pinned(
    console: Client,
    shop: Shop,
    bucket: None,  # noqa: F811
) -> None:
    document = make_document(shop, **PINNED)
    cid, content = document.composed
    assert act(console, "check_pins", document) == ["1 gone"]
    EmbeddedStore().pin(cid, content)
    assert act(console, "check_pins", document) == ["1 sound"]
    storage.PackStorage().bucket.put_object(Key=key_of(cid), Body=b"changed")
    assert act(console, "check_pins", document) == ["1 changed"]
    waiting = make_document(open_shop("lichtwerk"))
    assert act(console, "check_pins", waiting) == ["1 not asked"]


def test_a_place_that_is_not_set_up_any_more_is_told_as_out_of_reach(
    console: Client, shop: Shop, settings: Any
) -> None:
    settings.IPFS_API_URL = ""
    document = make_document(shop, **{**PINNED, "driver": "kubo"})
    assert act(console, "check_pins", document) == ["1 unreachable"]
    assert act(console, "pin_again", document) == ["0 pinned again, 1 not (the log says why)"]
    assert entries("metadata_document.pinned_again") == []


def test_what_is_gone_is_pinned_again_and_that_is_audited(
    console: Client,
    shop: Shop,
    operator: User,
    bucket: None,  # noqa: F811
) -> None:
    document = make_document(shop, **PINNED)
    waiting = make_document(open_shop("lichtwerk"))
    said = act(console, "pin_again", document, waiting)
    assert said == ["1 pinned again, 1 not (the log says why)"]
    assert EmbeddedStore().holds(str(document.cid))
    (entry,) = entries("metadata_document.pinned_again")
    assert (entry.actor, entry.after) == (f"user:{operator.pk}", {"driver": "embedded"})
    assert act(console, "check_pins", document) == ["1 sound"]


def test_the_first_page_tells_of_failed_documents(
    console: Client, failed: MetadataDocument
) -> None:
    page = console.get("/admin/").content.decode()
    assert f'{LIST}?status__exact=failed"><strong>1</strong> failed metadata document' in page


def test_documents_are_found_by_what_names_them(
    console: Client, shop: Shop, failed: MetadataDocument
) -> None:
    with acting_as("web"):
        make_document(open_shop("lichtwerk"))
    for text in (failed.cid, failed.short_id, str(failed.pk), str(shop.product.pk)):
        page = console.get(LIST, {"q": str(text)}).content.decode()
        assert str(failed.pk)[:8] in page, text
        assert "1 metadata document" in page, text
