"""Watching a chain while nothing may be sent: what it asks for, and whether the payer can pay.

Runs every half minute, so that a payer that cannot pay for the running jobs is known before their
submissions are claimed, and prices are known where nobody sends.
"""

import structlog
from django.conf import settings

from minting.chain.commitments import committed_on
from minting.chain.networks import WrongNetworkError
from minting.chain.own_thread import in_own_thread
from minting.chain.rpc.errors import NoEndpointError, RefusedError
from minting.chain.rpc.opening import open_endpoints
from minting.chain.sending.preparing import Preparer
from minting.chain.wallets.payer import chain_is_on
from tieback.errors import PermanentError, TransientError

log = structlog.get_logger(__name__)


async def watch_chain() -> None:
    """Write down the network's price, and measure the payer's balance; trouble is only told."""
    if not chain_is_on():
        return
    async with open_endpoints() as rpc:
        try:
            committed = await in_own_thread(committed_on, settings.SOLANA_NETWORK)
            await Preparer(rpc).watch(committed)
        except (
            *(NoEndpointError, RefusedError, WrongNetworkError),
            *(PermanentError, TransientError),
        ) as error:
            log.warning("chain_not_watched", error=str(error))
