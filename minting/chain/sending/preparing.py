"""Getting submissions signed: who pays, for how many units, at which price, with which blockhash.

What is asked of the chain for it is kept for a while: the price for some seconds, the compute
units of a shape for as long as the process lives.
"""

import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from solana.rpc.commitment import Confirmed
from solders.hash import Hash
from solders.message import MessageV0
from solders.pubkey import Pubkey

from minting.chain.prices import LAMPORTS_PER_SIGNATURE, RENT_EXEMPT, Price, price_of
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import KINDS
from minting.chain.sending.looking import worded
from minting.chain.sending.signing import (
    MOST_UNITS,
    TooLargeError,
    compute_limit,
    message_of,
    most_that_it_costs,
    shape_of,
    sign,
    unsigned,
)
from minting.chain.sending.storing import Made, put_off, record_error, store
from minting.chain.wallets.binding import bind
from minting.chain.wallets.payer import payer
from minting.chain.wallets.signer import Signer
from minting.crashpoints import reach
from minting.interruptions import describe
from minting.states import WalletRole
from tieback.metrics import CHAIN_LACKING_LAMPORTS, CHAIN_PAYER_LAMPORTS

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

#: How long a price holds, and how long an empty purse is left alone, in seconds.
_PRICE_SECONDS, _PURSE_SECONDS = 10.0, 30.0
#: Compute limits by shape.
_limits: dict[str, int] = {}


def forget_limits() -> None:
    """Have every shape simulated anew: programs of a chain may change."""
    _limits.clear()


class Preparer:
    """Signs for one task."""

    def __init__(self, rpc: Endpoints) -> None:
        self._rpc = rpc
        self._signer: Signer | None = None
        self._price: tuple[float, Price] | None = None

    async def sign(self, flights: Sequence[Flight]) -> None:
        """Sign and store transactions of these submissions; those that got one have it then.

        Raises what asking endpoints, keys and wallets raise; then nothing was stored.
        """
        signer = await self.bound_signer()
        balance = await self._balance(signer.address)
        # Simulations of who cannot pay fail, and would be told as errors of what is sent.
        least = len(flights) * LAMPORTS_PER_SIGNATURE
        if not await self._is_paid_for(flights, signer.address, balance, least):
            return
        price = await self._current_price(signer.address)
        blockhash = (
            await self._rpc.ask(lambda client: client.get_latest_blockhash(Confirmed))
        ).value
        messages = await self._messages(flights, signer.address, blockhash.blockhash, price)
        cost = sum(
            self._cost(flight, message, signer.address, price) for flight, message in messages
        )
        signable = [flight for flight, _ in messages]
        if not messages or not await self._is_paid_for(signable, signer.address, balance, cost):
            return
        made = await _in_thread(_sign_all, messages, signer)
        await _in_thread(
            store,
            made,
            payer=str(signer.address),
            last_valid_block_height=blockhash.last_valid_block_height,
        )
        reach("chain.signed")

    async def bound_signer(self) -> Signer:
        """Return who pays, once it is sure that this chain is the one it may pay on.

        Asked for before anything else of a chain is believed: another one knows of no transaction
        of this one, and its heights say nothing of when those die.
        """
        if self._signer is None:
            signer = await _in_thread(payer)
            genesis = (await self._rpc.ask(lambda client: client.get_genesis_hash())).value
            await _in_thread(bind, signer.address, WalletRole.PAYER, str(genesis))
            self._signer = signer
        return self._signer

    async def _current_price(self, address: Pubkey) -> Price:
        now = time.monotonic()
        if self._price is None or now - self._price[0] > _PRICE_SECONDS:
            told = await self._rpc.ask(
                lambda client: client.get_recent_prioritization_fees([address])
            )
            recent = [
                one.prioritization_fee for one in sorted(told.value, key=lambda one: one.slot)
            ]
            cap = int(settings.TIEBACK_CHAIN_MOST_MICRO_LAMPORTS)
            self._price = now, price_of(recent, cap=cap)
        return self._price[1]

    async def _messages(
        self, flights: Sequence[Flight], address: Pubkey, blockhash: Hash, price: Price
    ) -> list[tuple[Flight, MessageV0]]:
        found = []
        for flight in flights:
            try:
                units = await self._units(flight, address, blockhash)
                if units is not None:
                    message = message_of(
                        flight,
                        address,
                        blockhash,
                        units=units,
                        micro_lamports=price.micro_lamports,
                    )
                    found.append((flight, message))
            except TooLargeError as error:
                await _in_thread(record_error, flight, str(error), final=True)
            except (ValueError, TypeError, LookupError) as error:
                # One that nothing can be made of must not keep all behind it waiting.
                log.exception("submission_not_made", submission_id=str(flight.id))
                await _in_thread(record_error, flight, describe(error), final=True)
        return found

    async def _units(self, flight: Flight, address: Pubkey, blockhash: Hash) -> int | None:
        """Return the compute limit of a submission; None where a simulation has refused it."""
        shape = shape_of(flight, address)
        if shape not in _limits:
            message = message_of(flight, address, blockhash, units=MOST_UNITS, micro_lamports=0)
            told = await self._rpc.ask(
                lambda client: client.simulate_transaction(
                    unsigned(message), commitment=Confirmed, replace_recent_blockhash=True
                )
            )
            if told.value.err is not None:
                error = worded(told.value.err)
                final = KINDS[flight.kind].is_final(error)
                await _in_thread(record_error, flight, f"Simulation: {error}", final=final)
                return None
            _limits[shape] = compute_limit(told.value.units_consumed or MOST_UNITS)
        return _limits[shape]

    async def _balance(self, address: Pubkey) -> int:
        balance = (await self._rpc.ask(lambda client: client.get_balance(address, Confirmed))).value
        CHAIN_PAYER_LAMPORTS.set(balance)
        return balance

    def _cost(self, flight: Flight, message: MessageV0, address: Pubkey, price: Price) -> int:
        units = _limits[shape_of(flight, address)]
        return most_that_it_costs([message], units=units, micro_lamports=price.micro_lamports)

    async def _is_paid_for(
        self, flights: Sequence[Flight], address: Pubkey, balance: int, cost: int
    ) -> bool:
        """Tell whether the payer has enough; where it has not, put all of them off and say so."""
        needed = cost + RENT_EXEMPT
        CHAIN_LACKING_LAMPORTS.set(max(0, needed - balance))
        if balance >= needed:
            return True
        why = f"The payer {address} has {balance:,} lamports, and {needed:,} are needed: fund it."
        await _in_thread(put_off, flights, why, wait=_PURSE_SECONDS)
        return False


def _sign_all(messages: Sequence[tuple[Flight, MessageV0]], signer: Signer) -> list[Made]:
    return [sign(flight, message, signer) for flight, message in messages]


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call something that waits for the database or a keeper of keys, in the task's own thread."""
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
