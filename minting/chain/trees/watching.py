"""Watches trees: compares each with what the chain says of it, and writes down what differs.

Only a second endpoint of the same opinion makes it trouble, since one may be behind. What is known
is read before the chain is asked and after it has answered: no mint that lands meanwhile is taken
for a stranger's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from solana.rpc.commitment import Finalized
from solana.rpc.models import DataSliceOpts
from solders.pubkey import Pubkey

from minting.chain.bubblegum.programs import BESIDE, Version
from minting.chain.bubblegum.sizes import CONFIG_BYTES
from minting.chain.networks import WrongNetworkError
from minting.chain.own_thread import in_own_thread
from minting.chain.rpc.endpoint import Call
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.line import Client
from minting.chain.rpc.opening import open_endpoints
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.looking import ENDPOINTS_THAT_MUST_AGREE
from minting.chain.sending.preparing import Preparer
from minting.chain.trees.judging import Account, Known, Seen, troubles
from minting.chain.trees.shapes import Shape
from minting.models import ChainTree
from minting.states import TreeStatus
from tieback.brands.scoping import brand_scope
from tieback.errors import PermanentError, TransientError
from tieback.metrics import TREE_LEAVES_LACKING

log = structlog.get_logger(__name__)

#: Accounts that may be asked for at once (Solana's RPC documentation); a tree has two.
_MOST_TREES = 50
#: As much of an account as is looked at: of a tree its header, of its configuration all.
_BEGINNING = DataSliceOpts(offset=0, length=CONFIG_BYTES)
#: Assets that wait are counted no further: whether there are too many is all that is asked.
_MOST_COUNTED = 200_000

# Of any brand. A tree that failed is looked for too: what was taken for dead may have landed.
_WATCHED = """
select id, brand_id, status, schema, address, authority_address, creator, delegate,
       max_depth, max_buffer_size, canopy, current_supply
  from minting_chaintree
 where network = %s and address is not null and status in ('active', 'full', 'failed')
 order by checked_at nulls first, id
"""
_AT_MOST = "select id, current_supply + reserved from minting_chaintree where id = any(%s)"
# Held in the order of all who hold several: nobody waits in a circle.
_HOLD = "select from minting_chaintree where id = any(%s) order by address for no key update"
_CHECKED = """
update minting_chaintree as tree set checked_at = clock_timestamp(), trouble = told.trouble
  from unnest(%s::uuid[], %s::text[]) as told (id, trouble)
 where tree.id = told.id and tree.status in ('active', 'full')
"""
# What nothing is on its way to any more; its last leaf was counted by the chain too.
_ARCHIVE = """
update minting_chaintree set status = 'archived', archived_at = clock_timestamp()
 where id = any(%s) and status = 'full' and reserved = 0
"""
_LACKING = """
select coalesce(sum(greatest(0, wanted - coalesce(room, 0))), 0)::bigint
  from (select brand_id, count(*) as wanted
          from (select brand_id from minting_unitasset
                 where network = %(network)s and status = 'pending' limit %(most)s) as pending
         group by brand_id) as waiting
  left join (select brand_id, sum(max_supply - current_supply - reserved) as room
               from minting_chaintree
              where network = %(network)s and status in ('active', 'creating')
              group by brand_id) as trees using (brand_id)
"""


@dataclass(frozen=True)
class _Watched:
    id: UUID
    brand_id: UUID
    status: str
    known: Known

    @property
    def addresses(self) -> tuple[Pubkey, Pubkey]:
        """Of the tree, and of what Bubblegum keeps of it."""
        return Pubkey.from_string(self.known.address), Pubkey.from_string(self.known.authority)


async def watch() -> None:
    """Look at every tree that takes assets, is full, or could not be made."""
    watched = await in_own_thread(_watched)
    await in_own_thread(_count_lacking)
    if not watched:
        return
    try:
        async with open_endpoints() as rpc:
            payer = str((await Preparer(rpc).bound_signer()).address)
            for start in range(0, len(watched), _MOST_TREES):
                await _watch(rpc, watched[start : start + _MOST_TREES], payer)
    except (NoEndpointError, RefusedError, TransientError) as error:
        log.warning("trees_not_watched", error=str(error))
    except (WrongNetworkError, PermanentError):
        log.exception("trees_not_watched")


async def _watch(rpc: Endpoints, watched: Sequence[_Watched], payer: str) -> None:
    first = await rpc.ask(_question(watched))
    at_most = await in_own_thread(_at_most, watched)
    found = {
        one.id: troubles(replace(one.known, at_most=at_most[one.id]), seen, payer=payer)
        for one, seen in zip(watched, first, strict=True)
    }
    doubted = [one for one in watched if found[one.id] and one.status != TreeStatus.FAILED]
    if doubted:
        heard = await rpc.ask_each(_question(doubted), at_least=ENDPOINTS_THAT_MUST_AGREE)
        at_most = await in_own_thread(_at_most, doubted)
        for at, one in enumerate(doubted):
            known = replace(one.known, at_most=at_most[one.id])
            opinions = [troubles(known, answer[at], payer=payer) for _, answer in heard]
            found[one.id] = opinions[0] if all(opinions) else []
    await in_own_thread(_write, watched, found)


def _question(watched: Sequence[_Watched]) -> Call[list[Seen]]:
    """Return the call that asks for both accounts of each tree, as they are finalized."""
    addresses = [address for one in watched for address in one.addresses]

    async def call(client: Client) -> list[Seen]:
        told = await client.get_multiple_accounts(addresses, Finalized, "base64", _BEGINNING)
        found = [
            Account(str(one.owner), one.lamports, bytes(one.data)) if one else None
            for one in told.value
        ]
        return [Seen(*pair) for pair in zip(found[::2], found[1::2], strict=True)]

    return call


def _watched() -> list[_Watched]:
    with connection.cursor() as cursor:
        cursor.execute(_WATCHED, [settings.SOLANA_NETWORK])
        return [_of_row(*row) for row in cursor.fetchall()]


def _of_row(id_: UUID, brand_id: UUID, status: str, schema: int, *rest: Any) -> _Watched:
    address, authority, creator, delegate, depth, buffer, canopy, supply = rest
    known = Known(
        address=address,
        authority=authority,
        creator=creator,
        delegate=delegate,
        shape=Shape(depth, buffer, canopy),
        program=str(BESIDE[Version(schema)].compression),
        landed=supply,
        at_most=supply,
    )
    return _Watched(id_, brand_id, status, known)


def _at_most(watched: Sequence[_Watched]) -> dict[UUID, int]:
    with connection.cursor() as cursor:
        cursor.execute(_AT_MOST, [[one.id for one in watched]])
        return dict(cursor.fetchall())


@transaction.atomic
def _write(watched: Sequence[_Watched], found: Mapping[UUID, Sequence[str]]) -> None:
    looked_at = [one.id for one in watched if one.status != TreeStatus.FAILED]
    sound = [one for one in watched if not found[one.id]]
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [looked_at])
        cursor.execute(_CHECKED, [looked_at, [" ".join(found[id_]) for id_ in looked_at]])
        cursor.execute(_ARCHIVE, [[one.id for one in sound if one.status == TreeStatus.FULL]])
    for one in sound:
        if one.status == TreeStatus.FAILED:
            _take_over(one)


def _take_over(one: _Watched) -> None:
    """Use a tree that was thought to have failed, and is there as it was to be."""
    with brand_scope(one.brand_id):
        trees = ChainTree.objects.filter(pk=one.id)
        if trees.filter(status=TreeStatus.FAILED).update(status=TreeStatus.CREATING):
            trees.update(
                status=TreeStatus.ACTIVE,
                rent=one.known.shape.rent,
                activated_at=Now(),
                checked_at=Now(),
                trouble="",
            )
            log.warning("tree_had_landed", tree_id=str(one.id))


def _count_lacking() -> None:
    with connection.cursor() as cursor:
        terms: dict[str, Any] = {"network": settings.SOLANA_NETWORK, "most": _MOST_COUNTED}
        cursor.execute(_LACKING, terms)
        TREE_LEAVES_LACKING.set(cursor.fetchone()[0])
