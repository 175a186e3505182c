"""A place that lacks something keeps a process from starting; what it lacks is said, no secret."""

import pytest

from tests.docs.test_settings import started

NO_KEYS = "PINATA_JWT, or PINATA_API_KEY and PINATA_SECRET_KEY, is not set: IPFS_PROVIDER is pinata"
REASON = "NFT.Storage has closed its upload service"


@pytest.mark.parametrize("name", ["nft.storage", "NFT.Storage", "nftstorage", "nft-storage"])
def test_nft_storage_is_refused_with_the_reason(name: str) -> None:
    refused = started(TIEBACK_PLANE="worker", IPFS_PROVIDER=name)
    assert refused.returncode == 1
    assert f"  - IPFS_PROVIDER: {REASON}" in refused.stderr
    assert "embedded, kubo, pinata" in refused.stderr


def test_a_place_there_is_no_driver_for_is_refused_with_those_there_are() -> None:
    refused = started(TIEBACK_PLANE="worker", IPFS_PROVIDER="arweave").stderr
    assert "  - IPFS_PROVIDER: Must be one of: embedded, kubo, pinata." in refused


@pytest.mark.parametrize("plane", ["worker", "console"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"IPFS_PROVIDER": "kubo"},
            "IPFS_API_URL must look like http://127.0.0.1:5001: IPFS_PROVIDER is kubo",
        ),
        (
            {"IPFS_PROVIDER": "kubo", "IPFS_API_URL": "http://ines:harbour-92@[node"},
            "IPFS_API_URL must look like http://127.0.0.1:5001: IPFS_PROVIDER is kubo",
        ),
        (
            {"IPFS_PROVIDER": "pinata", "PINATA_API_KEY": "harbour-92"},
            NO_KEYS,
        ),
        (
            {"IPFS_GATEWAY_URL": "gateway.example"},
            "IPFS_GATEWAY_URL must look like https://gateway.example",
        ),
    ],
)
def test_what_a_place_lacks_is_named_and_no_secret_is(
    plane: str, given: dict[str, str], said: str
) -> None:
    refused = started(TIEBACK_PLANE=plane, **given)
    assert refused.returncode == 1
    assert f"  - {said}" in refused.stderr.splitlines()
    assert "harbour-92" not in refused.stderr


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"IPFS_PROVIDER": "kubo", "IPFS_API_URL": "http://ines:harbour-92@node:5001"},
        {"IPFS_PROVIDER": "pinata", "PINATA_JWT": "a-token"},
        {"IPFS_PROVIDER": "pinata", "PINATA_API_KEY": "key", "PINATA_SECRET_KEY": "secret"},
    ],
)
def test_a_place_that_has_all_it_needs_is_no_problem(given: dict[str, str]) -> None:
    refused = started(TIEBACK_PLANE="worker", **given).stderr
    assert not [name for name in ("IPFS", "PINATA") if name in refused]


def test_planes_that_do_not_go_there_do_not_need_its_keys() -> None:
    for plane in ("web", "resolver"):
        refused = started(TIEBACK_PLANE=plane, IPFS_PROVIDER="pinata").stderr
        assert "PINATA" not in refused
