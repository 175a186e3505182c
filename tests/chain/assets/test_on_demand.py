"""An asset on demand: once for each unit, for its first owner, and told as it stands."""

import pytest
from solders.keypair import Keypair

from minting.chain.sending.claims import claim
from minting.chain.sending.storing import record_error
from minting.models import MintUnit
from minting.revocations import Act, Why, revoke_units
from minting.states import RevocationReason
from tests.chain.assets.conftest import assets, group
from tests.chain.trees.rows import make_tree
from tests.factories import make_world
from tests.planes import acting_as
from tieback.brands.models import AuditEntry
from tieback.brands.scoping import brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("network")]
OWNER, OTHER = str(Keypair().pubkey()), str(Keypair().pubkey())


def tokens(job) -> list[str]:
    with brand_scope(job.brand_id):
        units = MintUnit.objects.filter(batch=job.batch_id).order_by("ordinal")
        return list(units.values_list("token", flat=True))


@pytest.mark.parametrize("mode", ["anchor", "cnft", "cnft_on_first_scan", "cnft_on_demand"])
def test_it_is_asked_for_once_in_every_mode_with_a_chain(wished, nordhav, client_of, mode):
    job = wished(2, chain_mode=mode)
    token = tokens(job)[0]
    client, path = client_of(nordhav), f"/api/v1/mint-units/{token}/mint-on-chain/"
    first, again = client.post(path, {}), client.post(path, {})
    assert (first.status_code, again.status_code) == (200 if mode == "cnft" else 202, 200)
    assert first.json()["data"]["id"] == again.json()["data"]["id"]
    shown = client.get(f"/api/v1/mint-units/{token}/asset/").json()["data"]
    assert shown == again.json()["data"]
    assert (shown["status"], shown["unit"], shown["asset_id"]) == ("pending", token, None)
    assert "room in a tree" in shown["waits_for"]
    assert len(assets(job)) == (2 if mode == "cnft" else 1)
    with brand_scope(nordhav.brand.id):
        asked = AuditEntry.objects.filter(action="unit_asset.asked").count()
    assert asked == (0 if mode == "cnft" else 1)


def test_it_is_the_first_owners(wished, nordhav, client_of):
    token = tokens(wished(1, chain_mode="cnft_on_demand"))[0]
    client, path = client_of(nordhav), f"/api/v1/mint-units/{token}/mint-on-chain/"
    assert client.post(path, {"owner": OWNER}).status_code == 202
    assert client.post(path, {"owner": OWNER}).status_code == 200
    assert client.post(path, {}).json()["data"]["owner"] == OWNER
    refused = client.post(path, {"owner": OTHER})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ASSET_HAS_OTHER_OWNER")
    wrong = client.post(path, {"owner": "nobody"})
    assert (wrong.status_code, wrong.json()["error"]["fields"][0]["field"]) == (400, "owner")


def test_a_unit_without_a_chain_or_one_that_is_revoked_gets_none(wished, nordhav, client_of):
    client = client_of(nordhav)
    plain = tokens(wished(1, chain_mode="none"))[0]
    answer = client.post(f"/api/v1/mint-units/{plain}/mint-on-chain/", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "UNIT_WITHOUT_CHAIN")
    job = wished(1, chain_mode="anchor")
    (token,) = tokens(job)
    with brand_scope(job.brand_id):
        revoke_units(
            brand_id=job.brand_id,
            tokens=[token],
            why=Why(RevocationReason.LOST, ""),
            act=Act("user:1"),
        )
    answer = client.post(f"/api/v1/mint-units/{token}/mint-on-chain/", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "UNIT_REVOKED")
    assert client.get(f"/api/v1/mint-units/{token}/asset/").status_code == 404
    assert assets(job) == []


def test_the_standing_of_a_mint_is_told_by_any_of_its_ids_and_with_or_without_a_slash(
    wished, nordhav, client_of
):
    with acting_as("worker"):
        make_tree(nordhav, depth=14)
    job = wished(12)
    group()
    row, client = assets(job)[0], client_of(nordhav)
    told = [
        client.get(f"/api/v1/mints/{id_}{slash}").json()["data"]
        for id_ in (job.id, job.batch_id, row.pk)
        for slash in ("/", "")
    ]
    assert [one["asset"] is not None for one in told] == [False] * 4 + [True] * 2
    assert len({str({**one, "asset": None}) for one in told}) == 1
    assert told[0]["units"] == {"requested": 12, "generated": 12, "status": "minted"}
    assert told[0]["proof"] == {"status": "signed", "proven": 12}
    assert (told[0]["anchors"], told[0]["assets"]) == ({"pending": 1}, {"processing": 12})
    with acting_as("web"):
        strangers = client_of(make_world("strangers"))
    for unknown in (job.id, row.pk, "nothing", "9" * 30):
        assert strangers.get(f"/api/v1/mints/{unknown}/").status_code == 404


def test_what_has_failed_goes_on_by_any_of_its_ids(wished, nordhav, client_of):
    with acting_as("worker"):
        make_tree(nordhav, depth=14)
    job = wished(3)
    group()
    row, client = assets(job)[0], client_of(nordhav)
    for id_ in (row.pk, row.submission_id):
        assert client.post(f"/api/v1/mints/retry/{id_}").status_code == 409
        with acting_as("worker"):
            for flight in claim(10):
                record_error(flight, "TreeAuthorityIncorrect", final=flight.kind == "mint")
        assert {one.status for one in assets(job)} == {"failed"}
        answer = client.post(f"/api/v1/mints/retry/{id_}")
        assert (answer.status_code, answer.json()["data"]["assets"]) == (200, {"processing": 3})
    assert {one.retry_count for one in assets(job)} == {2}
    assert client.post("/api/v1/mints/retry/1234").status_code == 404
