"""Getting submissions signed: who pays, for how many units, at which price, with which blockhash.

What is asked of the chain for it is kept for a while: prices for some seconds, the compute units
of a shape for as long as the process lives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from solana.rpc.commitment import Confirmed
from solders.hash import Hash
from solders.message import MessageV0
from solders.pubkey import Pubkey

from minting.chain.changes.proving import Prover
from minting.chain.own_thread import in_own_thread
from minting.chain.prices import LAMPORTS_PER_SIGNATURE, RENT_EXEMPT, Price
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.claims import Flight
from minting.chain.sending.kinds import KINDS, Keys
from minting.chain.sending.looking import worded
from minting.chain.sending.pricing import Prices
from minting.chain.sending.purse import WAIT_SECONDS, Lack, affordable
from minting.chain.sending.signing import Draft, draft_of, most_that_it_costs, sign, written_by
from minting.chain.sending.storing import Made, put_off, record_error, store
from minting.chain.transactions import (
    MOST_UNITS,
    TooLargeError,
    compute_limit,
    message_of,
    unsigned,
)
from minting.chain.wallets.binding import bind
from minting.chain.wallets.payer import payer, tree_creator
from minting.chain.wallets.signer import Signer
from minting.crashpoints import reach
from minting.interruptions import describe
from minting.states import SubmissionKind, WalletRole
from tieback.metrics import CHAIN_PAYER_LAMPORTS

log = structlog.get_logger(__name__)

#: Kinds that the creator of trees signs.
_OF_TREES = (SubmissionKind.TREE, SubmissionKind.DELEGATE)
#: Compute limits by shape.
_limits: dict[str, int] = {}
_lack = Lack()


def forget_limits() -> None:
    """Have every shape simulated anew: programs of a chain may change."""
    _limits.clear()


class Preparer:
    """Signs for one task."""

    def __init__(self, rpc: Endpoints) -> None:
        self._rpc = rpc
        self._signer: Signer | None = None
        self._creator: Signer | None = None
        self._genesis_hash = ""
        self._prices = Prices(rpc)
        self._prover = Prover(rpc)

    async def sign(self, flights: Sequence[Flight]) -> None:
        """Sign and store transactions of these submissions; those that got one have it then.

        Raises what asking endpoints, keys and wallets raise; then nothing was stored.
        """
        signer = await self.bound_signer()
        balance = await self._balance(signer.address)
        # Simulations of who cannot pay fail, and would be told as errors of what is sent.
        least = [(flight, _least_cost(flight)) for flight in flights]
        flights = await self._paid_for(least, signer.address, balance)
        flights = await self._prover.proven(flights)
        if not flights:
            return
        signers = await self._signers(flights, signer)
        blockhash = (
            await self._rpc.ask(lambda client: client.get_latest_blockhash(Confirmed))
        ).value
        ready = await self._ready(flights, signers, blockhash.blockhash)
        costs = [(one.draft.flight, one.cost) for one in ready]
        paid = {flight.id for flight in await self._paid_for(costs, signer.address, balance)}
        ready = [one for one in ready if one.draft.flight.id in paid]
        if not ready:
            return
        made = await in_own_thread(_sign_all, ready, signers)
        reach("chain.made")
        await in_own_thread(
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
            signer = await in_own_thread(payer)
            genesis = (await self._rpc.ask(lambda client: client.get_genesis_hash())).value
            self._genesis_hash = str(genesis)
            await in_own_thread(bind, signer.address, WalletRole.PAYER, self._genesis_hash)
            self._signer = signer
        return self._signer

    async def watch(self, committed: int) -> None:
        """Have the price and the balance known, where so many lamports are to be spent."""
        signer = await self.bound_signer()
        await self._prices.of((signer.address,))
        balance = await self._balance(signer.address)
        _lack.know(max(0, committed + RENT_EXEMPT - balance))

    async def _signers(self, flights: Sequence[Flight], signer: Signer) -> "_Signers":
        """Return who signs; the creator of trees is asked for only where there are trees to do."""
        if self._creator is None and any(one.kind in _OF_TREES for one in flights):
            creator = await in_own_thread(tree_creator)
            if creator.address != signer.address:
                await in_own_thread(
                    bind, creator.address, WalletRole.TREE_CREATOR, self._genesis_hash
                )
            self._creator = creator
        creator = self._creator or signer
        return _Signers(
            Keys(payer=signer.address, creator=creator.address),
            {signer.address: signer, creator.address: creator},
        )

    async def _ready(
        self, flights: Sequence[Flight], signers: "_Signers", blockhash: Hash
    ) -> "list[_Ready]":
        found = []
        for flight in flights:
            try:
                draft = draft_of(flight, signers.keys)
                units = await self._units(draft, signers.keys.payer, blockhash)
                if units is not None:
                    price = await self._prices.of(written_by(draft, signers.keys.payer))
                    found.append(_made_ready(draft, signers.keys.payer, blockhash, units, price))
            except TooLargeError as error:
                await in_own_thread(record_error, flight, str(error), final=True)
            except (ValueError, TypeError, LookupError) as error:
                # One that nothing can be made of must not keep all behind it waiting.
                log.exception("submission_not_made", submission_id=str(flight.id))
                await in_own_thread(record_error, flight, describe(error), final=True)
        return found

    async def _units(self, draft: Draft, address: Pubkey, blockhash: Hash) -> int | None:
        """Return the compute limit of a submission; None where a simulation has refused it."""
        if draft.shape not in _limits:
            message = message_of(
                draft.instructions, address, blockhash, units=MOST_UNITS, micro_lamports=0
            )
            told = await self._rpc.ask(
                lambda client: client.simulate_transaction(
                    unsigned(message), commitment=Confirmed, replace_recent_blockhash=True
                )
            )
            if told.value.err is not None:
                error = worded(told.value.err)
                final = KINDS[draft.flight.kind].is_final(error)
                await in_own_thread(record_error, draft.flight, f"Simulation: {error}", final=final)
                return None
            _limits[draft.shape] = compute_limit(told.value.units_consumed or MOST_UNITS)
        more = KINDS[draft.flight.kind].more_units(draft.flight.payload)
        return min(MOST_UNITS, _limits[draft.shape] + more)

    async def _balance(self, address: Pubkey) -> int:
        balance = (await self._rpc.ask(lambda client: client.get_balance(address, Confirmed))).value
        CHAIN_PAYER_LAMPORTS.set(balance)
        return balance

    async def _paid_for(
        self, costs: Sequence[tuple[Flight, int]], address: Pubkey, balance: int
    ) -> list[Flight]:
        """Return what the payer has enough for; put the rest off and say why."""
        needed = sum(cost for _, cost in costs) + RENT_EXEMPT
        paid, unpaid = affordable(costs, balance)
        _lack.note(max(0, needed - balance))
        if unpaid:
            lacks = f"{balance:,} lamports, and {needed:,} are needed"
            why = f"The payer {address} has {lacks}: fund it."
            await in_own_thread(put_off, unpaid, why, wait=WAIT_SECONDS)
        return paid


@dataclass(frozen=True)
class _Signers:
    """Who signs, by address."""

    keys: Keys
    by_address: Mapping[Pubkey, Signer]


@dataclass(frozen=True)
class _Ready:
    """A transaction to be signed, and the lamports it takes at most."""

    draft: Draft
    message: MessageV0
    cost: int


def _least_cost(flight: Flight) -> int:
    """Return the lamports that a submission takes at least, beside what its units cost."""
    try:
        return LAMPORTS_PER_SIGNATURE + KINDS[flight.kind].spends(flight.payload)
    except (ValueError, TypeError, LookupError):
        # Nothing can be made of it; what makes its transaction will say so.
        return LAMPORTS_PER_SIGNATURE


def _made_ready(draft: Draft, address: Pubkey, blockhash: Hash, units: int, price: Price) -> _Ready:
    asked = {"units": units, "micro_lamports": price.micro_lamports}
    message = message_of(draft.instructions, address, blockhash, **asked)
    return _Ready(draft, message, most_that_it_costs(draft, message, **asked))


def _sign_all(ready: Sequence[_Ready], signers: _Signers) -> list[Made]:
    return [sign(one.draft, one.message, signers.by_address) for one in ready]
