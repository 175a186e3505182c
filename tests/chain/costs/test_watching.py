"""A worker asks the chain what it takes, also while nothing is to be sent."""

import base64

import pytest
from asgiref.sync import async_to_sync
from solders.keypair import Keypair

from minting.chain.kept_prices import last_price
from minting.chain.prices import Congestion, Price
from minting.chain.rpc.opening import open_endpoints
from minting.chain.sending.pricing import Prices
from minting.tasks import watch_chain
from tests.chain.devchains import memo
from tests.chain.sending.conftest import (  # noqa: F401 - fixtures
    anchored,
    minted,
    nordhav,
    proven,
    sender,
    small_cycles,
)
from tests.planes import acting_as
from tieback.metrics import CHAIN_CONGESTION, CHAIN_LACKING_LAMPORTS, CHAIN_PAYER_LAMPORTS

pytestmark = pytest.mark.django_db(transaction=True)


def watched() -> None:
    with acting_as("worker"):
        watch_chain()


def gauge(one) -> float:
    return one._value.get()


def test_price_and_balance_are_known_while_nothing_is_sent(sender):  # noqa: F811
    watched()
    kept = last_price("devchain")
    assert kept is not None
    assert not kept.is_stale
    assert gauge(CHAIN_PAYER_LAMPORTS) == 10**9
    assert gauge(CHAIN_LACKING_LAMPORTS) == 0
    assert gauge(CHAIN_CONGESTION) in {0, 1, 2}


def test_a_payer_that_cannot_pay_for_what_waits_is_told_before_it_is_sent(
    sender,  # noqa: F811
    anchored,  # noqa: F811
):
    poor = Keypair()
    sender.pays_with(poor)
    sender.chain.told("requestAirdrop", str(poor.pubkey()), 892_000)
    anchored(2_500)
    watched()
    assert gauge(CHAIN_LACKING_LAMPORTS) == 4 * 5_000 + 890_880 - 892_000


def test_trouble_with_the_chain_is_told_and_ends_nothing(sender):  # noqa: F811
    sender.settings.SOLANA_RPC_URLS = ["http://127.0.0.1:9/"]
    watched()
    assert last_price("devchain") is None
    sender.settings.SOLANA_PAYER = None
    watched()


def test_the_price_is_that_of_the_accounts_in_question(sender):  # noqa: F811
    chain, busy = sender.chain, sender.chain.rich()
    for _ in range(5):
        raw = base64.b64encode(bytes(memo(busy, chain.blockhash(), price=40_000))).decode()
        chain.told("sendTransaction", raw, {"encoding": "base64", "skipPreflight": True})
        chain.wait_for_slot(chain.status()["slot"] + 1)

    async def ask() -> tuple[Price, Price]:
        async with open_endpoints() as rpc:
            prices = Prices(rpc)
            return await prices.of([busy.pubkey()]), await prices.of([Keypair().pubkey()])

    with acting_as("worker"):
        hot, cold = async_to_sync(ask)()
    assert cold.reason == "0% of the last 150 blocks took a price"
    assert hot.reason != cold.reason
    assert cold.congestion is Congestion.LOW
