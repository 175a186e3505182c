"""The networks of Solana: which there are, how each is told apart, and which are public. Pure.

A network is told by its genesis hash, which every endpoint of it answers (``getGenesisHash``) and
no other network has. Source of the public hashes: Solana's documentation, "Clusters".
"""

from dataclasses import dataclass
from typing import NamedTuple

DEVCHAIN, LOCALNET = "devchain", "localnet"
DEVNET, TESTNET, MAINNET = "devnet", "testnet", "mainnet-beta"
#: In base58, 32 bytes.
GENESIS_HASHES = {
    MAINNET: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    DEVNET: "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxkZBwok",
    TESTNET: "4uhcVJyU9pJkvQyUVuwbBdpBoqqVmUkMJtRUV3Uwdgdm",
}
_EXPLORER = "https://explorer.solana.com/"


class Network(NamedTuple):
    """A network by the name that ``SOLANA_NETWORK`` gives it; those of one's own have no hash."""

    name: str
    genesis_hash: str | None

    @property
    def is_public(self) -> bool:
        """Whether strangers run it: what is written there stays, and costs money on one of them."""
        return self.genesis_hash is not None


NETWORKS = {
    name: Network(name, GENESIS_HASHES.get(name))
    for name in (DEVCHAIN, LOCALNET, DEVNET, TESTNET, MAINNET)
}


class WrongNetworkError(Exception):
    """An endpoint belongs to another network than the settings promise."""

    def __init__(self, promised: str, genesis_hash: str) -> None:
        found = network_of(genesis_hash)
        what = f"{found}'s" if found else "of a network of its own"
        super().__init__(
            f"SOLANA_NETWORK is {promised}, and the endpoint's genesis hash is {what}"
            f" ({genesis_hash}): set SOLANA_RPC_URLS to endpoints of {promised}"
        )
        self.promised, self.genesis_hash = promised, genesis_hash


def network_of(genesis_hash: str) -> str | None:
    """Return the public network that has a genesis hash; None for any other chain."""
    return next((name for name, known in GENESIS_HASHES.items() if known == genesis_hash), None)


def require_network(promised: str, genesis_hash: str) -> None:
    """Refuse an endpoint of another network; of one's own chains, any hash but the public ones.

    Raises ``WrongNetworkError``.
    """
    wanted = NETWORKS[promised].genesis_hash
    if (network_of(genesis_hash) is not None) if wanted is None else (genesis_hash != wanted):
        raise WrongNetworkError(promised, genesis_hash)


@dataclass(frozen=True)
class Promise:
    """The chain that endpoints must be of: the network by name, and on one's own the chain itself.

    ``genesis_hash`` is the one that wallets are bound to, None before the first is.
    """

    network: str
    genesis_hash: str | None = None

    def why_broken(self, genesis_hash: str) -> str:
        """Return why an endpoint with this genesis hash is none of it; empty where it is one."""
        try:
            require_network(self.network, genesis_hash)
        except WrongNetworkError as error:
            return str(error)
        if self.genesis_hash in (None, genesis_hash):
            return ""
        return (
            f"the wallets of {self.network} are bound to the chain of genesis hash"
            f" {self.genesis_hash}, and this is another's ({genesis_hash})"
        )


def why_no_key(network: str, allowed: str) -> str | None:
    """Return why no key may be used: a public network has to be named a second time.

    ``allowed`` is what ``SOLANA_ALLOW_PUBLIC_NETWORK`` says.
    """
    if not network or not NETWORKS[network].is_public or allowed == network:
        return None
    return (
        f"SOLANA_NETWORK is {network}, a public network, and there is a key: set"
        f" SOLANA_ALLOW_PUBLIC_NETWORK to {network} as well, or leave the key out"
    )


def explorer_url(network: str, signature: str) -> str | None:
    """Return where anyone can look at a transaction; None on chains that no explorer reaches."""
    return _explored(network, f"tx/{signature}")


def address_url(network: str, address: str) -> str | None:
    """Return where anyone can look at an account, likewise."""
    return _explored(network, f"address/{address}")


def _explored(network: str, path: str) -> str | None:
    if not NETWORKS[network].is_public:
        return None
    cluster = "" if network == MAINNET else f"?cluster={network}"
    return f"{_EXPLORER}{path}{cluster}"
