"""What operators do with trees, audited: close one, let one be made after all, replace one."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from minting.chain.sending.retrying import retry_submission
from minting.chain.trees.asking import TARGET, ask_in_place_of
from minting.models import ChainTree
from minting.revocations import Act
from minting.states import TreeStatus
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope

_CLOSEABLE = (TreeStatus.ACTIVE, TreeStatus.FULL, TreeStatus.FAILED)


@transaction.atomic
def archive_tree(*, tree_id: UUID, act: Act) -> bool:
    """Close a tree: nothing more goes into it, what is on its way still lands.

    One that FAILED is given up, and the next one may be asked for. Return False where it is being
    made, or is archived already.
    """
    tree = ChainTree.objects.select_for_update(no_key=True).get(pk=tree_id)
    if tree.status not in _CLOSEABLE:
        return False
    archived = ChainTree.objects.filter(pk=tree_id)
    archived.update(status=TreeStatus.ARCHIVED, archived_at=Now())
    record(
        ActsFor(tree.brand_id, act.actor),
        "chain_tree.archived",
        TARGET,
        tree_id,
        before={"status": tree.status, "room": tree.max_supply - tree.current_supply},
        after={"status": TreeStatus.ARCHIVED},
        reason=act.reason,
        request=act.request_id,
    )
    return True


@transaction.atomic
def retry_tree(*, tree_id: UUID, act: Act) -> bool:
    """Let a FAILED tree be made after all, at its address; return False where it is not failed."""
    tree = ChainTree.objects.get(pk=tree_id)
    if tree.status != TreeStatus.FAILED or tree.submission_id is None:
        return False
    return retry_submission(submission_id=tree.submission_id, act=act)


def replace_tree(*, tree_id: UUID, act: Act) -> bool:
    """Give a FAILED tree up, whose address is not to be had any more, and ask for another one.

    Return False where it is not failed.
    """
    brand_id = ChainTree.objects.values_list("brand_id", flat=True).get(pk=tree_id)
    with brand_scope(brand_id):
        tree = ChainTree.objects.select_for_update(no_key=True).get(pk=tree_id)
        if tree.status != TreeStatus.FAILED:
            return False
        archive_tree(tree_id=tree_id, act=act)
        ask_in_place_of(tree, ActsFor(brand_id, act.actor), request=act.request_id)
    return True
