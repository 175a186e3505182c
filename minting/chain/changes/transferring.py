"""Transfers: a leaf that is to be somebody else's, each in a transaction of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.assets.minting import leaves_told
from minting.chain.bubblegum.changes import transfer
from minting.chain.changes.changing import Changing
from minting.chain.changes.leaves import Told, matched, present_leaf
from minting.chain.changes.settling import write_down
from minting.chain.sending.kinds import Done, Keys
from minting.events import tell


class NoLongerOurs(ValueError):
    """Only the owner can give a leaf away, and that is not the wallet that pays."""


class _Transfer(Changing):
    """See ``minting.chain.sending.kinds.Kind``."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return the transfer, which the payer signs as the owner."""
        (held,), (place,) = payload["held"], payload["places"]
        if held.owner != str(keys.payer):
            raise NoLongerOurs(f"the leaf is {held.owner}'s, and {keys.payer} pays")
        return [transfer(present_leaf(payload, held), place, to=Pubkey.from_string(payload["to"]))]

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> list[Told]:
        """Return the leaf as it is since. Raises ``NotTold`` where the event is missing."""
        to = payload["to"]
        told = leaves_told(landed)
        return matched(payload, told, lambda one, _: str(one.leaf.owner) == to)

    def completed(self, done: Done) -> None:
        """Write down whose the leaf is now."""
        flight = done.flight
        if write_down(done, done.learnt) and flight.batch_id is not None:
            data = {"asset_id": str(done.learnt[0].leaf.id), "to": flight.payload["to"]}
            tell("asset.transferred", brand_id=flight.brand_id, batch_id=flight.batch_id, data=data)


TRANSFER = _Transfer()
