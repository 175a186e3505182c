"""Which chain mode a batch gets, and what the API shows of what was written for it."""

import pytest

from minting.chain.modes import available_modes, default_mode
from minting.gateway import MintBlocked
from tests.factories import make_world
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db(transaction=True)


def batch_of(job):
    with brand_scope(job.brand_id):
        return job.batch


def test_an_installation_without_a_network_writes_nothing(nordhav, settings):
    settings.SOLANA_NETWORK = ""
    assert (available_modes(), default_mode()) == (("none",), "none")
    batch = batch_of(queued_job(nordhav))
    assert (batch.chain_mode, batch.chain_network) == ("none", "")
    with pytest.raises(MintBlocked) as refused:
        queued_job(nordhav, chain_mode="anchor")
    (reason,) = refused.value.reasons
    assert (reason.code, reason.detail) == ("CHAIN_MODE_UNAVAILABLE", {"available": ["none"]})


def test_with_a_network_roots_are_anchored_unless_told_otherwise(nordhav, settings):
    settings.SOLANA_NETWORK = "devchain"
    modes = ("none", "anchor", "certificate", "cnft", "cnft_on_first_scan", "cnft_on_demand")
    assert available_modes() == modes
    batch = batch_of(queued_job(nordhav))
    assert (batch.chain_mode, batch.chain_network) == ("anchor", "devchain")
    other = batch_of(queued_job(nordhav, chain_mode="none"))
    assert (other.chain_mode, other.chain_network) == ("none", "")


def test_a_batchs_submissions_are_listed_with_their_transactions(
    sender, anchored, nordhav, client_of
):
    job = anchored(1_000)
    sender.finish(job)
    client = client_of(nordhav)
    answer = client.get(f"/api/v1/mint-batches/{job.batch_id}/submissions/?status=completed")
    rows = answer.json()["data"]
    assert {row["status"] for row in rows} == {"completed"}
    assert len(rows) == 2
    (sent,) = rows[0]["transactions"]
    found = client.get(f"/api/v1/mints/transaction/{sent['signature']}/").json()["data"]
    assert found == sent
    assert (found["status"], found["fee"], found["network"]) == ("finalized", 5_000, "devchain")
    assert "signed_bytes" not in found


def test_nobody_learns_of_another_brands_transactions(sender, anchored, nordhav, client_of):
    job = anchored(5)
    sender.finish(job)
    path = f"/api/v1/mint-batches/{job.batch_id}/submissions/"
    (row,) = client_of(nordhav).get(path).json()["data"]
    signature = row["transactions"][0]["signature"]
    with acting_as("web"):
        strangers = client_of(make_world("strangers"))
    assert strangers.get(path).status_code == 404
    assert strangers.get(f"/api/v1/mints/transaction/{signature}/").status_code == 404
