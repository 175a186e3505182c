"""Asking a chain what it takes to be taken soon: for those accounts that a transaction locks.

What is heard is kept for some seconds, and written down for whoever reaches no endpoint.
"""

import time
from collections.abc import Iterable

from django.conf import settings
from solders.pubkey import Pubkey

from minting.chain.kept_prices import keep_price
from minting.chain.own_thread import in_own_thread
from minting.chain.prices import Price, price_of
from minting.chain.rpc.pool import Endpoints

#: How long a price holds, in seconds.
_HOLDS_SECONDS = 10.0
#: As many accounts may be named (Solana's RPC documentation).
_MOST_ACCOUNTS = 128


class Prices:
    """What transactions should pay, for one task on the chain that its settings name."""

    def __init__(self, rpc: Endpoints) -> None:
        self._rpc = rpc
        self._heard: dict[frozenset[Pubkey], tuple[float, Price]] = {}

    async def of(self, accounts: Iterable[Pubkey]) -> Price:
        """Return the price for a transaction that writes to these accounts."""
        locked = frozenset(accounts)
        heard = self._heard.get(locked)
        if heard is None or time.monotonic() - heard[0] > _HOLDS_SECONDS:
            heard = self._heard[locked] = time.monotonic(), await self._ask(locked)
        return heard[1]

    async def _ask(self, locked: frozenset[Pubkey]) -> Price:
        named = sorted(locked, key=bytes)[:_MOST_ACCOUNTS]
        told = await self._rpc.ask(lambda client: client.get_recent_prioritization_fees(named))
        recent = [one.prioritization_fee for one in sorted(told.value, key=lambda one: one.slot)]
        price = price_of(recent, cap=int(settings.TIEBACK_CHAIN_MOST_MICRO_LAMPORTS))
        await in_own_thread(keep_price, settings.SOLANA_NETWORK, price)
        return price
