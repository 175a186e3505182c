"""I14: each wanted asset is one mint of one submission, and the leaf that its row says.

The rows alone are compared at any moment. Where ``Evidence.chain`` can be asked, every mint of the
trees in question is read from it, and no word of the database is taken for what is in them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chaos.checker.evidence import SHOWN, Evidence, check
from chaos.checker.leaves import Minted, minted_as_counted, minted_into

_ASSETS = """
    select asset.* from minting_unitasset as asset
      join minting_mintjob as job on job.batch_id = asset.batch_id and {jobs}
"""
_MINTS = """
    select submission.* from minting_chainsubmission as submission
      join minting_mintjob as job on job.batch_id = submission.batch_id and {jobs}
     where submission.kind = 'mint'
"""
_TREES = f"""
    select * from minting_chaintree
     where id in (select tree_id from ({_ASSETS}) as asset) and address is not null
"""
_IN_TREES = f"""
    select asset.name, asset.metadata_uri, tree.address, asset.status, asset.leaf_index,
           asset.asset_id
      from minting_unitasset as asset join ({_TREES}) as tree on tree.id = asset.tree_id
     where asset.name <> ''
"""
_WHERE = f"""
    select address, authority_address, current_supply, reserved from ({_TREES}) as tree
"""
_REVOKED = 2


class Row(NamedTuple):
    """What the database says of an asset that has a tree."""

    name: str
    uri: str
    tree: str
    status: str
    leaf_index: int | None
    asset_id: str | None

    def __str__(self) -> str:
        return f"{self.name} at {self.tree}:{self.leaf_index}, {self.status}"


class Tree(NamedTuple):
    """What the database says of a tree."""

    address: str
    config: str
    supply: int
    reserved: int


@check
def assets_are_leaves(evidence: Evidence) -> list[str]:
    """I14: each wanted asset is one mint of one submission, and the leaf that its row says."""
    return (
        _wishes(evidence)
        + _submissions(evidence)
        + evidence.problems(
            "a tree's room is not what is on its way (tree, reserved, assets)",
            f"select tree.id, tree.reserved, count(asset.id) from ({_TREES}) as tree"
            "  left join minting_unitasset as asset on asset.tree_id = tree.id"
            "    and asset.status in ('processing', 'failed')"
            " group by tree.id, tree.reserved having tree.reserved <> count(asset.id)",
        )
        + list(_problems_on_the_chain(evidence))[:SHOWN]
    )


def _wishes(evidence: Evidence) -> list[str]:
    return evidence.problems(
        "no asset was asked for (batch, ordinal)",
        "select unit.batch_id, unit.ordinal from minting_mintunit as unit"
        "  join minting_mintjob as job on job.batch_id = unit.batch_id and {jobs}"
        "  join minting_mintbatch as batch"
        "    on batch.id = unit.batch_id and batch.chain_mode = 'cnft'"
        "  join minting_batchproof as proof"
        "    on proof.batch_id = unit.batch_id and unit.ordinal <= proof.hashed_quantity"
        "  left join minting_unitasset as asset on asset.unit_id = unit.id"
        " where asset.id is null and unit.status < %(revoked)s",
        revoked=_REVOKED,
    ) + evidence.problems(
        "an asset where none was to be (batch, asset)",
        f"select batch.id, asset.id from ({_ASSETS}) as asset"
        "  join minting_mintbatch as batch on batch.id = asset.batch_id"
        " where batch.chain_mode = 'none'",
    )


def _submissions(evidence: Evidence) -> list[str]:
    return (
        evidence.problems(
            "it is not what its submission mints at its place (asset, submission, place)",
            f"select asset.id, asset.submission_id, asset.place from ({_ASSETS}) as asset"
            "  join minting_chainsubmission as asked on asked.id = asset.submission_id"
            "  join minting_chaintree as tree on tree.id = asset.tree_id"
            " where asset.status <> 'pending' and (asked.kind <> 'mint'"
            "    or asked.payload -> 'mints' -> asset.place::int ->> 0"
            "       is distinct from asset.name"
            "    or asked.payload ->> 'uri' is distinct from asset.metadata_uri"
            "    or asked.payload ->> 'tree' is distinct from tree.address)",
        )
        + evidence.problems(
            "not each of its mints is one asset's (submission, mints, assets, places)",
            "select asked.id, jsonb_array_length(asked.payload -> 'mints'), count(asset.id),"
            f"       count(distinct asset.place) from ({_MINTS}) as asked"
            "  left join minting_unitasset as asset on asset.submission_id = asked.id"
            " group by asked.id, asked.payload"
            " having count(asset.id) <> jsonb_array_length(asked.payload -> 'mints')"
            "     or count(distinct asset.place) <> count(asset.id)",
        )
        + evidence.problems(
            "completed, and its asset is not (submission, asset, status)",
            f"select asked.id, asset.id, asset.status from ({_MINTS}) as asked"
            "  join minting_unitasset as asset on asset.submission_id = asked.id"
            " where asked.status = 'completed'"
            "   and asset.status not in ('completed', 'missing_on_chain')",
        )
        + evidence.problems(
            "completed by what cannot have made it (asset, transaction)",
            f"select asset.id, asset.transaction_id from ({_ASSETS}) as asset"
            "  left join minting_chaintransaction as sent on sent.id = asset.transaction_id"
            " where asset.status = 'completed' and (sent.status is null"
            "    or sent.submission_id <> asset.submission_id or sent.status = 'failed')",
        )
    )


def _problems_on_the_chain(evidence: Evidence) -> Iterator[str]:
    if evidence.chain is None:
        return
    trees = [Tree(*row) for row in evidence.rows(_WHERE)]
    minted = {tree.address: list(minted_into(evidence.chain, tree.address)) for tree in trees}
    counted = {tree.address: minted_as_counted(evidence.chain, tree.config) for tree in trees}
    yield from differences([Row(*row) for row in evidence.rows(_IN_TREES)], minted)
    for tree in trees:
        told = (counted[tree.address], len(minted[tree.address]))
        is_settled = not tree.reserved
        if len({*told}) > 1 or (is_settled and tree.supply != told[0]):
            says = f"it counts {told[0]}, its history has {told[1]}, the row says {tree.supply}"
            yield f"mints of tree {tree.address}: {says}"


def differences(rows: Sequence[Row], minted: Mapping[str, Sequence[Minted]]) -> Iterator[str]:
    """Yield in what assets differ from the mints of all their trees, by tree. Pure."""
    by_name = {row.name: row for row in rows}
    leaves = {(tree, one.leaf_index): one for tree, of_tree in minted.items() for one in of_tree}
    times = Counter(one.name for one in leaves.values())
    yield from (f"minted {count} times: {name}" for name, count in times.items() if count > 1)
    for (tree, index), one in leaves.items():
        row = by_name.get(one.name)
        if row is None:
            yield f"a leaf that is nobody's asset: {tree}:{index}, {one.name}"
        elif row.status == "completed" and times[one.name] == 1:
            told = (tree, index, one.asset_id, one.uri)
            if (row.tree, row.leaf_index, row.asset_id, row.uri) != told:
                yield f"it is at {tree}:{index} as {one.asset_id}, {one.uri}: {row}"
        elif row.status != "completed":
            yield f"its leaf is at {tree}:{index}: {row}"
    for row in rows:
        if row.status == "completed" and not times[row.name]:
            yield f"no leaf is there: {row}"
