"""Networks: which is which by its genesis hash, and what each says of a transaction."""

from pathlib import Path

import pytest

from minting.chain.networks import (
    GENESIS_HASHES,
    NETWORKS,
    WrongNetworkError,
    explorer_url,
    network_of,
    require_network,
    why_no_key,
)
from tests.chain.devchains import Devchain

OWN = "9sHcv6xwn9YkB8nxTUGKDwPwNnmqVp5oAXxU8Fdkm4J6"


def test_public_networks_are_those_with_a_known_hash() -> None:
    assert {name for name, network in NETWORKS.items() if network.is_public} == {
        *("devnet", "testnet", "mainnet-beta")
    }
    assert all(network_of(found) == name for name, found in GENESIS_HASHES.items())


@pytest.mark.parametrize("promised", NETWORKS)
def test_an_endpoint_is_taken_for_the_network_it_is_of_and_no_other(promised: str) -> None:
    for found, genesis_hash in {**GENESIS_HASHES, "own": OWN}.items():
        is_right = found == promised or (found == "own" and promised in {"devchain", "localnet"})
        if is_right:
            require_network(promised, genesis_hash)
            continue
        with pytest.raises(WrongNetworkError) as caught:
            require_network(promised, genesis_hash)
        assert f"SOLANA_NETWORK is {promised}" in str(caught.value)
        assert genesis_hash in str(caught.value)


def test_the_dev_chain_is_none_of_the_public_networks(devchain: Devchain) -> None:
    require_network("devchain", devchain.told("getGenesisHash"))


def test_two_dev_chains_are_two_networks(devchain: Devchain, tmp_path: Path) -> None:
    other = Devchain(tmp_path)
    other.start()
    try:
        assert other.told("getGenesisHash") != devchain.told("getGenesisHash")
    finally:
        other.kill()


def test_a_key_needs_leave_on_public_networks_alone() -> None:
    for name, network in NETWORKS.items():
        assert (why_no_key(name, "") is not None) == network.is_public
        assert why_no_key(name, name) is None
        for other in ("yes", "localnet", f"{name} "):
            assert (why_no_key(name, other) is not None) == network.is_public or name == other
    assert why_no_key("", "") is None


@pytest.mark.parametrize(
    ("network", "url"),
    [
        ("mainnet-beta", "https://explorer.solana.com/tx/5sig"),
        ("devnet", "https://explorer.solana.com/tx/5sig?cluster=devnet"),
        ("testnet", "https://explorer.solana.com/tx/5sig?cluster=testnet"),
        ("devchain", None),
        ("localnet", None),
    ],
)
def test_the_explorer_shows_what_anyone_can_see(network: str, url: str | None) -> None:
    assert explorer_url(network, "5sig") == url
