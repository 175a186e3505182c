"""Asking the chain so that no single endpoint can make a drift.

One endpoint is asked first. What it says otherwise than the rows is asked of two, each known to
keep up, each for its finalized slot before the question itself: who is not as far as what it is
asked about is not counted. Only where all who count say the same is it so. Where a single endpoint
is enabled, its word has to do. That all are of the wallets' chain the pool sees to.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from solana.rpc.commitment import Finalized

from minting.chain.rpc.endpoint import Call
from minting.chain.rpc.line import Client
from minting.chain.rpc.pool import Endpoints
from minting.chain.sending.looking import ENDPOINTS_THAT_MUST_AGREE
from tieback.errors import TransientError

T = TypeVar("T")


class UndecidedError(TransientError):
    """Too few endpoints of this chain are far enough to be believed."""


@dataclass(frozen=True)
class Chain:
    """The chain that the wallets are bound to, through the endpoints that are enabled.

    ``genesis`` tells which of the rows are of it: those of wallets that were used on it.
    """

    rpc: Endpoints
    genesis: str

    async def ask(self, call: Call[T], *, requests: int = 1) -> T:
        """Return what one endpoint answers."""
        return await self.rpc.ask(call, requests=requests)

    async def words(self, call: Call[T], *, at_slot: int = 0, requests: int = 1) -> list[T]:
        """Return what each of the witnesses answers.

        ``at_slot``: they have to be so far. Raises ``UndecidedError`` and ``NoEndpointError``.
        """
        needed = min(ENDPOINTS_THAT_MUST_AGREE, len(self.rpc.names))
        heard = await self.rpc.ask_each(_sworn(call), at_least=needed, requests=requests + 1)
        words = [word for _, (slot, word) in heard if slot >= at_slot]
        if len(words) < needed:
            asked = ", ".join(one.endpoint for one in heard)
            raise UndecidedError(f"{len(words)} of {needed} endpoints can be believed ({asked})")
        return words


async def open_chain(rpc: Endpoints) -> Chain:
    """Return the chain of the endpoints. Raises what asking raises."""
    return Chain(rpc, str((await rpc.ask(lambda client: client.get_genesis_hash())).value))


def _sworn(call: Call[T]) -> Callable[[Client], Awaitable[tuple[int, T]]]:
    async def sworn(client: Client) -> tuple[int, T]:
        slot = (await client.get_slot(Finalized)).value
        return slot, await call(client)

    return sworn
