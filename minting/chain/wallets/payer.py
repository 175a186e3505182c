"""The one door to the keys: who pays and adds to trees, and who creates trees.

The payer's key is the hot one. The creator's is asked for when a tree is made; where none is set,
the payer creates its trees itself. Signers are made once for each process, when first asked for.
"""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from minting.chain.wallets.given import KMS, SECRETS_MANAGER, VAULT, GivenKey
from minting.chain.wallets.kms import kms_signer
from minting.chain.wallets.secrets_manager import secrets_manager_signer
from minting.chain.wallets.signer import HeldKey, KeyRefused, Signer
from minting.chain.wallets.vault import VaultServer, vault_signer

_KEEPERS: dict[str, Callable[[str], Signer]] = {
    SECRETS_MANAGER: secrets_manager_signer,
    KMS: kms_signer,
    VAULT: lambda name: vault_signer(_vault(), name),
}


class NoKeyError(KeyRefused):
    """The payer has no key in this process: set SOLANA_NETWORK, and SOLANA_KEYPAIR_FILE or
    SOLANA_KEY_SOURCE, for the workers.
    """

    def __init__(self) -> None:
        super().__init__(" ".join((self.__doc__ or "").split()))


def chain_is_on() -> bool:
    """Tell whether this process may write to a chain: a network is set, and the payer has a key."""
    return bool(settings.SOLANA_NETWORK) and settings.SOLANA_PAYER is not None


@cache
def payer() -> Signer:
    """Return who pays. Raises ``NoKeyError``, ``KeyNotReachable`` and ``KeyRefused``."""
    given = settings.SOLANA_PAYER
    if given is None or not chain_is_on():
        raise NoKeyError
    return _signer_of(given)


@cache
def tree_creator() -> Signer:
    """Return who creates trees: the payer, where no other key is set. Raises as ``payer``."""
    given = settings.SOLANA_TREE_CREATOR
    return payer() if given is None or not chain_is_on() else _signer_of(given)


def forget_signers() -> None:
    """Make the next call ask for the keys again."""
    payer.cache_clear()
    tree_creator.cache_clear()


def _signer_of(given: GivenKey) -> Signer:
    if given.keypair is not None:
        return HeldKey(given.keypair)
    return _KEEPERS[given.source](given.name)


def _vault() -> VaultServer:
    return VaultServer(settings.VAULT_ADDR, settings.VAULT_TOKEN, settings.VAULT_NAMESPACE)
