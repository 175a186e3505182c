"""Trees in the console: what is wrong with them, closing them, having them made after all."""

from typing import Any

import pytest
from django.test import Client

from minting import pipeline
from minting.chain.sending.retrying import retry_submission
from minting.chain.trees.asking import CREATE
from minting.models import ChainSubmission, ChainTree
from minting.revocations import Act
from minting.states import TreeStatus
from tests.console.conftest import staff_with
from tests.console.rows import Shop, make_tree
from tests.planes import acting_as
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/chaintree/"


@pytest.fixture
def failed(shop: Shop) -> ChainTree:
    """A tree that could not be made, and the submission that failed."""
    with acting_as("worker"), brand_scope(shop.brand_id):
        submission = ChainSubmission.objects.create(
            brand_id=shop.brand_id,
            kind="tree",
            key="tree:1",
            network="devchain",
            payload={},
            status="failed",
            last_error="refused",
        )
    trouble = "the chain <b>refused</b>"
    return make_tree(shop, status=TreeStatus.FAILED, submission=submission, trouble=trouble)


def act(client: Client, action: str, *trees: ChainTree) -> list[str]:
    chosen = {"action": action, "_selected_action": [str(one.pk) for one in trees]}
    answer = client.post(LIST, chosen, follow=True)
    return [str(message) for message in answer.context["messages"]]


def now(tree: ChainTree) -> ChainTree:
    with all_brands():
        return ChainTree.objects.select_related("submission").get(pk=tree.pk)


def entry(action: str) -> AuditEntry:
    with all_brands():
        return AuditEntry.objects.get(action=action)


def test_a_tree_is_archived_once_and_that_is_audited(
    console: Client, shop: Shop, operator: User
) -> None:
    tree = make_tree(shop, current_supply=5)
    begun = make_tree(shop, status=TreeStatus.CREATING)
    said = "1 archived, 1 skipped (being made, or archived)"
    assert act(console, "archive", tree, begun) == [said]
    assert act(console, "archive", tree) == [said.replace("1 archived", "0 archived")]
    assert (now(tree).status, now(tree).archived_at is None) == ("archived", False)
    told = entry("chain_tree.archived")
    assert (told.actor, told.target_id) == (f"user:{operator.pk}", str(tree.pk))
    assert told.before == {"status": "active", "room": 27}


def test_a_failed_tree_goes_on_with_its_submission(
    console: Client, shop: Shop, failed: ChainTree
) -> None:
    active = make_tree(shop)
    assert act(console, "retry", failed, active) == ["1 go on, 1 skipped (not failed)"]
    assert (now(failed).status, now(failed).trouble) == ("creating", "")
    submission = now(failed).submission
    assert submission is not None
    assert submission.status == "pending"
    assert entry("chain_submission.retried").before["last_error"] == "refused"


def test_another_tree_is_made_in_place_of_a_failed_one_once(
    console: Client,
    shop: Shop,
    failed: ChainTree,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(pipeline, "ring_step", lambda *args: rung.append(args[0]))
    with django_capture_on_commit_callbacks(execute=True):
        assert act(console, "replace", failed) == ["1 replaced, 0 skipped (not failed)"]
    assert act(console, "replace", failed) == ["0 replaced, 1 skipped (not failed)"]
    with all_brands():
        other = ChainTree.objects.exclude(pk=failed.pk).get()
    assert (other.status, other.address, other.max_depth) == ("creating", None, failed.max_depth)
    assert now(failed).status == TreeStatus.ARCHIVED
    # What was given up costs no rent any more, whoever tries its submission again.
    submission = now(failed).submission
    assert submission is not None
    with all_brands():
        assert not retry_submission(submission_id=submission.pk, act=Act("user:7"))
    assert rung == [CREATE]
    assert entry("chain_tree.asked").target_id == str(other.pk)


def test_staff_without_the_permissions_change_nothing(shop: Shop, failed: ChainTree) -> None:
    tree, staff = make_tree(shop), staff_with("view_chaintree")
    page = staff.get(LIST).content.decode()
    for words in ("Archive trees", "Let failed trees", "Have others made"):
        assert words not in page
    for action in ("archive", "retry", "replace"):
        act(staff, action, tree, failed)
    assert (now(tree).status, now(failed).status) == ("active", "failed")


def test_the_page_shows_how_full_a_tree_is_and_what_is_wrong(
    console: Client, shop: Shop, failed: ChainTree
) -> None:
    page = console.get(f"{LIST}{failed.pk}/change/").content.decode()
    assert "the chain &lt;b&gt;refused&lt;/b&gt;" in page
    tree = make_tree(shop, current_supply=5, reserved=3)
    page = console.get(f"{LIST}{tree.pk}/change/").content.decode()
    assert "5 of 32" in page
    assert str(tree.address) in page
    unbegun = dict.fromkeys(("address", "authority_address", "creator", "delegate"))
    waits = make_tree(shop, status=TreeStatus.CREATING, **unbegun)
    assert "lamports, to be paid" in console.get(f"{LIST}{waits.pk}/change/").content.decode()


def test_the_first_page_names_trees_that_need_a_person(
    console: Client, shop: Shop, failed: ChainTree
) -> None:
    make_tree(shop, trouble="Its delegate is a stranger")
    page = console.get("/admin/").content.decode()
    assert "<strong>1</strong> failed tree</a>" in page
    assert "<strong>1</strong> tree in trouble</a>" in page
