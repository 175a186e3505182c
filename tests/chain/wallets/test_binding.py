"""A wallet belongs to the network of its first use; the database holds it to that."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from solders.keypair import Keypair

from minting.chain.networks import GENESIS_HASHES, WrongNetworkError
from minting.chain.wallets.binding import (
    WalletBoundElsewhereError,
    WalletRetiredError,
    bind,
    retire,
)
from minting.models import ChainWallet
from minting.revocations import Act
from minting.states import WalletRole
from tests.chain.devchains import Devchain
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.plane("worker"), pytest.mark.django_db]

HERE = "9sHcv6xwn9YkB8nxTUGKDwPwNnmqVp5oAXxU8Fdkm4J6"
ELSEWHERE = "AkpRZTQEpqcyYwqZ1zPqRGJm8mzKRRMqHWtCzqZjPbGf"
PAYER, CREATOR = WalletRole.PAYER, WalletRole.TREE_CREATOR


@pytest.fixture(autouse=True)
def on_the_dev_chain(settings: Any) -> None:
    settings.SOLANA_NETWORK = "devchain"


@pytest.fixture
def address() -> Any:
    return Keypair().pubkey()


def test_the_first_use_is_written_down(address: Any, devchain: Devchain) -> None:
    genesis_hash = devchain.told("getGenesisHash")
    wallet = bind(address, PAYER, genesis_hash)
    assert (wallet.address, wallet.role) == (str(address), PAYER)
    assert (wallet.network, wallet.genesis_hash) == ("devchain", genesis_hash)
    assert wallet.first_used_at is not None
    assert wallet.retired_at is None


def test_every_later_use_finds_the_same(address: Any) -> None:
    first = bind(address, PAYER, HERE)
    assert bind(address, PAYER, HERE).first_used_at == first.first_used_at
    assert ChainWallet.objects.count() == 1


def test_a_payer_that_creates_trees_stays_the_payer(address: Any) -> None:
    bind(address, PAYER, HERE)
    assert bind(address, CREATOR, HERE).role == PAYER


def test_the_same_key_on_another_chain_is_refused(address: Any) -> None:
    bind(address, PAYER, HERE)
    with pytest.raises(WalletBoundElsewhereError, match=f"{address} was first used on devchain"):
        bind(address, PAYER, ELSEWHERE)


def test_a_key_of_development_is_refused_on_mainnet(address: Any, settings: Any) -> None:
    bind(address, PAYER, HERE)
    settings.SOLANA_NETWORK = "mainnet-beta"
    with pytest.raises(WalletBoundElsewhereError, match="use another key here"):
        bind(address, PAYER, GENESIS_HASHES["mainnet-beta"])


@pytest.mark.parametrize("name", GENESIS_HASHES)
def test_an_endpoint_of_another_network_is_refused_before_anything_is_bound(
    address: Any, name: str
) -> None:
    with pytest.raises(WrongNetworkError, match="SOLANA_NETWORK is devchain"):
        bind(address, PAYER, GENESIS_HASHES[name])
    assert not ChainWallet.objects.exists()


def test_a_worker_retires_no_wallet(address: Any) -> None:
    bind(address, PAYER, HERE)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        retire(address=str(address), act=Act("system:worker"))


@pytest.mark.django_db(transaction=True)
def test_a_wallet_that_an_operator_has_retired_signs_no_more(address: Any) -> None:
    bind(address, PAYER, HERE)
    with acting_as("console"), all_brands():
        act = Act("user:1", "on a lost laptop", "req-1")
        assert retire(address=str(address), act=act)
        assert not retire(address=str(address), act=act)
        entry = AuditEntry.objects.get(action="chain_wallet.retired")
    assert (entry.target_id, entry.actor, entry.reason) == (str(address), act.actor, act.reason)
    assert entry.brand_id is None
    with pytest.raises(WalletRetiredError, match=f"{address} is retired"):
        bind(address, PAYER, HERE)


@pytest.mark.django_db(transaction=True)
def test_processes_that_begin_at_once_bind_once(address: Any) -> None:
    def begin(_: int) -> str:
        try:
            return bind(address, PAYER, HERE).address
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(begin, range(16))) == {str(address)}
    assert ChainWallet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        "update minting_chainwallet set genesis_hash = address",
        "update minting_chainwallet set network = 'devnet'",
        "update minting_chainwallet set role = 'tree_creator'",
        "delete from minting_chainwallet",
    ],
)
def test_what_is_bound_is_bound_for_the_owner_of_the_tables_too(address: Any, change: str) -> None:
    bind(address, PAYER, HERE)
    with (
        acting_as("owner"),
        pytest.raises(DatabaseError, match="Cannot"),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "0OIl" * 10},
        {"address": "short"},
        {"network": "polygon"},
        {"role": "thief"},
        {"genesis_hash": ""},
    ],
)
def test_the_database_takes_no_other_words(address: Any, fields: dict[str, str]) -> None:
    sound = {
        "address": str(address),
        "role": PAYER,
        "network": "devchain",
        "genesis_hash": HERE,
    }
    with pytest.raises(DatabaseError, match="minting_wallet_"), transaction.atomic():
        ChainWallet.objects.create(**{**sound, **fields})


@pytest.mark.plane("web")
def test_the_web_plane_has_no_business_with_wallets() -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ChainWallet.objects.exists()
