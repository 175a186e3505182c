"""Wallets in the console: what is shown, and who may end a wallet's use."""

from typing import Any

import pytest
from django.test import Client

from minting.models import ChainWallet
from tests.console.conftest import staff_with
from tests.console.rows import make_wallet
from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = pytest.mark.plane("console")

LIST = "/admin/minting/chainwallet/"


@pytest.fixture
def wallet() -> ChainWallet:
    return make_wallet()


def retire(client: Client, *wallets: ChainWallet) -> Any:
    chosen = {"action": "retire_wallets", "_selected_action": [each.pk for each in wallets]}
    return client.post(LIST, chosen, follow=True)


def is_retired(wallet: ChainWallet) -> bool:
    return ChainWallet.objects.get(pk=wallet.pk).retired_at is not None


def test_a_wallet_shows_its_address_and_the_network_it_belongs_to(
    console: Client, wallet: ChainWallet
) -> None:
    page = console.get(f"{LIST}{wallet.pk}/change/").content.decode()
    for shown in (wallet.address, wallet.network, wallet.genesis_hash):
        assert shown in page


def test_a_wallet_is_retired_once_and_that_is_audited(
    console: Client, wallet: ChainWallet, operator: User
) -> None:
    answer = retire(console, wallet)
    assert [str(message) for message in answer.context["messages"]] == [
        "1 retired, 0 skipped (retired before)"
    ]
    assert is_retired(wallet)
    again = retire(console, wallet)
    assert [str(message) for message in again.context["messages"]] == [
        "0 retired, 1 skipped (retired before)"
    ]
    with all_brands():
        entry = AuditEntry.objects.get(action="chain_wallet.retired")
    assert (entry.actor, entry.target_id) == (f"user:{operator.pk}", wallet.pk)
    assert entry.before["network"] == wallet.network


def test_staff_without_the_permission_retire_nothing(wallet: ChainWallet) -> None:
    staff = staff_with("view_chainwallet")
    assert "Retire wallets" not in staff.get(LIST).content.decode()
    retire(staff, wallet)
    assert not is_retired(wallet)
