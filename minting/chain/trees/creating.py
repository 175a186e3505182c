"""Makes trees: begins what was asked for, and says what the transaction of a tree does.

One transaction makes the account, makes a tree of it and lets the payer mint into it: nobody else
can come between. The payer pays for all of it; the creator signs and needs no lamports, so its key
may be elsewhere. A transaction that died is made again for the same address, at which no second
tree can be made.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed

from minting.chain.bubblegum.instructions import create_tree, set_tree_delegate
from minting.chain.bubblegum.programs import BESIDE, Version
from minting.chain.budgets import left_to_spend, note_held_back
from minting.chain.prices import LAMPORTS_PER_SIGNATURE
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import Done, Keys, Plain
from minting.chain.trees.addresses import addresses_of
from minting.chain.trees.shapes import Shape, shape_of_tree
from minting.chain.wallets.payer import payer, tree_creator
from minting.crashpoints import reach
from minting.models import ChainSubmission, ChainTree
from minting.states import Priority, SubmissionKind, TreeStatus
from tieback.brands.scoping import brand_scope
from tieback.errors import Conflict, PermanentError, TransientError

log = structlog.get_logger(__name__)

# Of any brand, hence before its scope is entered.
_NEXT = """
select id, brand_id from minting_chaintree
 where network = %s and status = 'creating' and submission_id is null and id <> all(%s::uuid[])
 order by created_at, id
   for no key update skip locked
 limit 1
"""
_SAY_WHY = """
update minting_chaintree set trouble = %s
 where network = %s and status = 'creating' and submission_id is null
"""


class KeysChanged(PermanentError, ValueError):
    """A tree was begun with other keys than there are now: its address is no longer to be had."""


def begin_next() -> UUID | None:
    """Begin the oldest tree that nobody has begun, of any brand; return its submission.

    None where there is none that its brand may spend enough for, or where the keys are not to be
    had: then the trees say why.
    """
    try:
        keys = Keys(payer=payer().address, creator=tree_creator().address)
    except (TransientError, PermanentError) as error:
        log.warning("trees_not_begun", error=str(error))
        with connection.cursor() as cursor:
            cursor.execute(_SAY_WHY, [str(error), settings.SOLANA_NETWORK])
        return None
    held_back: list[UUID] = []
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_NEXT, [settings.SOLANA_NETWORK, held_back])
                row = cursor.fetchone()
            if row is None:
                return None
            tree_id, brand_id = row
            with brand_scope(brand_id):
                submission = _begin_within_cap(ChainTree.objects.get(pk=tree_id), keys)
            reach("chain.before_commit")
        if submission is not None:
            return submission.pk
        held_back.append(tree_id)


def _begin_within_cap(tree: ChainTree, keys: Keys) -> ChainSubmission | None:
    """Begin a tree, or say on it that the brand's daily cap has no room for its rent."""
    takes = shape_of_tree(tree).rent + len({keys.payer, keys.creator}) * LAMPORTS_PER_SIGNATURE
    left = left_to_spend(tree.brand_id)
    if left is None or takes <= left:
        return _begin(tree, keys)
    note_held_back(tree.brand_id)
    tree.trouble = (
        f"It takes {takes:,} lamports, and the brand's daily cap leaves {left:,}:"
        " it waits for the next day, or for a higher cap."
    )
    tree.save(update_fields=["trouble"])
    return None


def _begin(tree: ChainTree, keys: Keys) -> ChainSubmission:
    """Write down where the tree will be, and ask for its transaction."""
    found = addresses_of(keys.payer, tree.seed, Version(tree.schema))
    tree.address, tree.authority_address = str(found.tree), str(found.authority)
    tree.creator, tree.delegate = str(keys.creator), str(keys.payer)
    tree.trouble = ""
    tree.submission = ChainSubmission.objects.create(
        brand_id=tree.brand_id,
        kind=SubmissionKind.TREE,
        key=f"{SubmissionKind.TREE}:{tree.pk}",
        network=tree.network,
        # Whatever goes into it waits for it.
        priority=Priority.HIGH,
        payload={
            "tree": tree.address,
            "tree_id": str(tree.pk),
            "seed": tree.seed,
            "payer": tree.delegate,
            "creator": tree.creator,
            "schema": tree.schema,
            "max_depth": tree.max_depth,
            "max_buffer_size": tree.max_buffer_size,
            "canopy": tree.canopy,
            "lamports": shape_of_tree(tree).rent,
        },
    )
    tree.save()
    return tree.submission


class _Tree(Plain):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return what makes the account and the tree, and lets the payer mint into it.

        Raises ``KeysChanged`` where the keys are others by now: the address is the first ones'.
        """
        if payload["payer"] != str(keys.payer) or payload["creator"] != str(keys.creator):
            raise KeysChanged(
                f"The tree was begun with the payer {payload['payer']} and the creator"
                f" {payload['creator']}, and the keys are others now: have another tree made."
            )
        tree, shape = Pubkey.from_string(payload["tree"]), shape_of(payload)
        version = Version(payload["schema"])
        made = [
            create_account_with_seed(
                CreateAccountWithSeedParams(
                    from_pubkey=keys.payer,
                    to_pubkey=tree,
                    base=keys.payer,
                    seed=payload["seed"],
                    lamports=shape.account_rent,
                    space=shape.size,
                    owner=BESIDE[version].compression,
                )
            ),
            create_tree(
                version,
                tree=tree,
                payer=keys.payer,
                creator=keys.creator,
                depth=shape.depth,
                buffer=shape.buffer,
            ),
        ]
        if keys.creator != keys.payer:
            made.append(set_tree_delegate(tree=tree, creator=keys.creator, delegate=keys.payer))
        return made

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Take the rent of both accounts."""
        return shape_of(payload).rent

    def shape(self, payload: Mapping[str, Any]) -> str:
        """Tell each tree from others: its depth and its address decide how much is computed."""
        return str(payload["tree"])

    def completed(self, done: Done) -> None:
        """Let assets go into it."""
        _having(done.flight, TreeStatus.CREATING).update(
            status=TreeStatus.ACTIVE, rent=done.spent_besides, activated_at=Now(), trouble=""
        )

    def failed(self, flight: Flight, error: str) -> None:
        """Say on the tree why it could not be made."""
        _having(flight, TreeStatus.CREATING).update(status=TreeStatus.FAILED, trouble=error)

    def retried(self, submission_id: UUID) -> None:
        """Let it be made after all. Raises ``Conflict`` where it was given up."""
        trees = ChainTree.objects.filter(submission=submission_id)
        failed = trees.filter(status=TreeStatus.FAILED)
        failed.update(status=TreeStatus.CREATING, trouble="")
        if trees.filter(status=TreeStatus.ARCHIVED).exists():
            raise Conflict


def shape_of(payload: Mapping[str, Any]) -> Shape:
    """Return the shape that a submission asks for."""
    return Shape(payload["max_depth"], payload["max_buffer_size"], payload["canopy"])


def _having(flight: Flight, status: TreeStatus) -> Any:
    return ChainTree.objects.filter(pk=flight.payload["tree_id"], status=status)


TREE = _Tree()
