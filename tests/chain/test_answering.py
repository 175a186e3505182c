"""Whether the chain answers: what readiness is told, with real nodes, good and bad."""

from typing import Any

import pytest

from minting.chain.answering import any_answers
from tests.chain.devchains import Devchain
from tests.chain.wallets.keepers import Vault
from tests.platform.test_health import closed_port
from tieback import health

SECONDS = 10.0


@pytest.fixture(autouse=True)
def no_check_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that an earlier test left running must not answer for this one's."""
    monkeypatch.setattr(health, "_running", {})


def nowhere() -> str:
    return f"http://127.0.0.1:{closed_port()}/"


def readiness(settings: Any, *, network: str, urls: list[str]) -> str:
    settings.SOLANA_NETWORK, settings.SOLANA_RPC_URLS = network, urls
    return health.run_checks(("solana",))["solana"]


def test_without_a_network_or_an_endpoint_the_chain_is_off(
    settings: Any, devchain: Devchain
) -> None:
    assert readiness(settings, network="", urls=[devchain.url()]) == "off"
    assert readiness(settings, network="devchain", urls=[]) == "off"


def test_a_node_that_keeps_up_is_ok(settings: Any, devchain: Devchain) -> None:
    assert readiness(settings, network="devchain", urls=[devchain.url()]) == "ok"


def test_one_node_that_answers_is_enough(settings: Any, devchain: Devchain) -> None:
    urls = [nowhere(), devchain.faulty("ill", unavailable=1.0), devchain.url()]
    assert readiness(settings, network="devchain", urls=urls) == "ok"


def test_a_chain_that_nobody_answers_for_is_an_error(settings: Any) -> None:
    assert readiness(settings, network="devchain", urls=[nowhere()]) == "error"


@pytest.mark.parametrize("faults", [{"lag": 40}, {"unavailable": 1.0}, {"throttled": 1.0}])
def test_a_node_that_is_behind_or_refuses_does_not_answer(
    devchain: Devchain, faults: dict[str, float]
) -> None:
    assert not any_answers([devchain.faulty("behind", **faults)], timeout=SECONDS)


@pytest.mark.parametrize("url", ["", "devchain", "ftp://127.0.0.1/", "http://[/", "http://\x00/"])
def test_what_is_no_address_does_not_answer(url: str) -> None:
    assert not any_answers([url], timeout=SECONDS)


def test_a_server_that_is_no_node_does_not_answer(devchain: Devchain) -> None:
    other = Vault()
    with other.running():
        assert not any_answers([other.url], timeout=SECONDS)
