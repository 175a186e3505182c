"""From a change of the passport to every leaf, and to a wallet, on a chain that runs Bubblegum."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version
from minting.chain.prices import TRANSFER_FEES
from minting.chain.sending import preparing, rounds, storing
from minting.metadata.giving import uri_of
from minting.models import ChainSubmission, ChainTransaction, MintEvent
from minting.states import RunScope
from tests.chain.assets.conftest import leaves_on
from tests.chain.changes.conftest import (
    assets,
    change,
    finish,
    group_changes,
    planted,
)
from tests.chain.reconciliation.conftest import Reconciler
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.programs]
UNITS = 5


def submissions(job, kind):
    with acting_as("worker"), brand_scope(job.brand_id):
        return list(ChainSubmission.objects.filter(batch=job.batch_id, kind=kind))


def compare_trees(sender):
    sender.settings.SOLANA_RPC_URLS = [sender.chain.url(), sender.chain.url("second")]
    reconciler = Reconciler()
    run = reconciler.full(scope=RunScope.TREES)
    assert (run.status, run.last_error) == ("completed", "")
    return [(one.kind, one.detail) for one in reconciler.drifts()]


@pytest.mark.parametrize("version", Version)
def test_a_changed_passport_reaches_every_leaf_and_one_goes_to_a_wallet(
    sender, wished, nordhav, client_of, settings, version
):
    settings.SOLANA_TREE_SCHEMA = int(version)
    tree = planted(sender, nordhav, version)
    job = wished(UNITS)
    minted_as = {row.leaf_index: row for row in finish(sender, job)}
    document = change(job)
    token, buyer = assets(job)[2].unit.token, str(Keypair().pubkey())
    path = f"/api/v1/mint-units/{token}/transfer/"
    asked = client_of(nordhav).post(path, {"to": buyer, "reason": "sold"})
    assert (asked.status_code, asked.json()["data"]["change_status"]) == (202, "waiting")
    rows = finish(sender, job)
    uri = uri_of(document, job.batch.resolver_base)
    told = {one.leaf.nonce: one for one in reversed(leaves_on(sender.chain, tree.address))}
    for row in rows:
        owner = buyer if row.unit.token == token else sender.address
        leaf = leaf_of(
            version,
            tree=Pubkey.from_string(tree.address),
            nonce=row.leaf_index,
            owner=Pubkey.from_string(owner),
            metadata=Metadata(name=row.name, uri=uri),
        )
        assert (row.metadata_uri, row.document_id, row.owner) == (uri, document.pk, owner)
        assert bytes(row.leaf_hash) == leaf.hash != bytes(minted_as[row.leaf_index].leaf_hash)
        assert row.asset_id == minted_as[row.leaf_index].asset_id == str(leaf.id)
        assert told[row.leaf_index].hash == leaf.hash
    assert compare_trees(sender) == []
    shown = client_of(nordhav).get(f"/api/v1/mint-units/{token}/asset/").json()["data"]
    assert (shown["owner"], shown["transfer_to"], shown["change_status"]) == (buyer, "", "none")
    assert client_of(nordhav).post(path, {"to": buyer}).status_code == 200
    refused = client_of(nordhav).post(path, {"to": sender.address})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ASSET_NOT_OURS")
    with acting_as("worker"), brand_scope(job.brand_id):
        assert MintEvent.objects.filter(type="asset.transferred").count() == 1
        changes = ChainTransaction.objects.filter(kind__in=("update", "transfer"))
        spent = {one.kind: one.spent_besides for one in changes}
    assert spent == {"update": 0, "transfer": TRANSFER_FEES[version]}


@pytest.mark.parametrize("point", ["chain.signed", "chain.sent"])
def test_a_worker_that_dies_changes_no_leaf_twice(sender, wished, nordhav, monkeypatch, point):
    tree = planted(sender, nordhav)
    job = wished(2)
    finish(sender, job)
    change(job)
    group_changes()

    def die(name: str) -> None:
        if name == point:
            raise SystemExit

    for module in (rounds, preparing, storing):
        monkeypatch.setattr(module, "reach", die)
    with pytest.raises(SystemExit):
        sender.turn()
    monkeypatch.undo()
    with acting_as("worker"), brand_scope(job.brand_id):
        ChainSubmission.objects.filter(kind="update").update(lease_until=None)
    finish(sender, job)
    assert {one.attempts for one in submissions(job, "update")} == {1}
    assert len(leaves_on(sender.chain, tree.address)) == 4
