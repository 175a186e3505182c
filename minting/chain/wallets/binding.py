"""A wallet belongs to one network, told by its genesis hash, from its first use on.

A key that has signed on devnet is known to whoever had it there; on mainnet it would hold money.
And an endpoint of another network than the settings promise would take what was meant for it.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from solders.pubkey import Pubkey

from minting.chain.networks import require_network
from minting.models import ChainWallet
from minting.revocations import Act
from minting.states import WalletRole
from tieback.brands.audit import ActsForSystem, record
from tieback.errors import PermanentError


class WalletBoundElsewhereError(PermanentError):
    """This wallet was used on another network: give this network a key of its own."""


class WalletRetiredError(PermanentError):
    """This wallet is retired: give its role a new key."""


def bind(address: Pubkey, role: WalletRole, genesis_hash: str) -> ChainWallet:
    """Return the wallet of an address, bound to the chain of a genesis hash.

    Asked for by every task before it signs, so that a wallet that is retired signs no more.
    ``genesis_hash`` is what the endpoint answers, in base58. An address keeps the role of its
    first use. Raises ``WrongNetworkError``, ``WalletBoundElsewhereError``, ``WalletRetiredError``.
    """
    require_network(settings.SOLANA_NETWORK, genesis_hash)
    wanted = ChainWallet(
        address=str(address),
        role=role,
        network=settings.SOLANA_NETWORK,
        genesis_hash=genesis_hash,
    )
    wallet = ChainWallet.objects.filter(pk=str(address)).first()
    if wallet is None:
        ChainWallet.objects.bulk_create([wanted], ignore_conflicts=True)
        wallet = ChainWallet.objects.get(pk=str(address))
    if wallet.genesis_hash != genesis_hash:
        raise WalletBoundElsewhereError(
            f"{address} was first used on {wallet.network} (genesis {wallet.genesis_hash}), and"
            f" this is {settings.SOLANA_NETWORK} (genesis {genesis_hash}): use another key here"
        )
    if wallet.retired_at is not None:
        raise WalletRetiredError(f"{address} is retired: give the {wallet.role} a new key")
    return wallet


@transaction.atomic
def retire(*, address: str, act: Act) -> bool:
    """End the use of a wallet for good; return False where it was retired before."""
    wallet = ChainWallet.objects.select_for_update(no_key=True).get(pk=address)
    if wallet.retired_at is not None:
        return False
    moment = timezone.now()
    ChainWallet.objects.filter(pk=address).update(retired_at=moment)
    record(
        ActsForSystem(act.actor),
        "chain_wallet.retired",
        "chain_wallet",
        address,
        before={"role": wallet.role, "network": wallet.network, "retired_at": None},
        after={"retired_at": moment.isoformat()},
        reason=act.reason,
        request=act.request_id,
    )
    return True
