"""A batch's root is the state of an account that nobody can change, made by one transaction."""

import base64
import dataclasses
import json

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.certificates import token_2022
from minting.chain.certificates.finding import certificate_of
from minting.chain.certificates.reading import NoCertificate, read
from minting.chain.estimates import UNITS_OF_CERTIFICATE, certificate_rent
from minting.chain.sending import storing
from minting.models import ChainSubmission, MintEvent
from minting.proofs.document import NoProof
from minting.proofs.document import read as read_proof
from minting.proofs.verification import checks_of, is_sound
from minting.states import SubmissionStatus
from tests.chain.devchains import Devchain
from tests.chain.sending.conftest import transactions
from tests.planes import acting_as
from tests.proofs.conftest import proof_row
from tests.proofs.sound import sound_proof
from tieback.brands.scoping import all_brands, brand_scope


def account(chain: Devchain, address: str) -> bytes:
    told = chain.told("getAccountInfo", address, {"encoding": "base64"})["value"]
    assert told["owner"] == str(token_2022.TOKEN_2022)
    return base64.b64decode(told["data"][0])


@pytest.mark.django_db(transaction=True)
def test_a_certificate_says_the_root_for_ever_and_the_proof_says_where_it_is(
    sender, proven, nordhav, client_of
):
    before = sender.chain.told("getBalance", sender.address)["value"]
    job = proven(1_000, chain_mode="certificate")
    done = sender.finish(job)
    assert {(row.kind, row.status) for row in done} == {
        ("anchor", SubmissionStatus.COMPLETED),
        ("certificate", SubmissionStatus.COMPLETED),
    }
    proof = proof_row(job)
    with acting_as("resolver"), brand_scope(job.brand_id):
        found = certificate_of(proof)
    data = account(sender.chain, found.address)
    certificate = read(data)
    assert certificate.fields == {
        "merkle_root": proof.root,
        "count": "1000",
        "batch": str(job.batch_id),
        "alg": "sha256-rfc6962",
    }
    assert (certificate.supply, certificate.is_immutable) == (1, True)
    (row,) = [row for row in transactions(job) if row.kind == "certificate"]
    assert (found.signature, found.slot) == (row.signature, row.slot)
    paid = certificate_rent(1_000)
    assert (row.fee, row.spent_besides) == (5_000, paid)
    assert row.compute_units <= UNITS_OF_CERTIFICATE
    after = sender.chain.told("getBalance", sender.address)["value"]
    assert before - after == 3 * 5_000 + paid
    with brand_scope(job.brand_id):
        event = MintEvent.objects.get(batch=job.batch_id, type="batch.certified")
    assert event.data == {"root": proof.root, "address": found.address}


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_died_is_made_again_for_the_same_account(sender, proven):
    job = proven(5, chain_mode="certificate")
    mute = sender.chain.faulty("mute-certificate", drop=1.0)
    sender.settings.SOLANA_RPC_URLS = [mute]
    sender.turn(seconds=0.3)
    with acting_as("worker"):
        storing.expire([row.id for row in transactions(job)])
        with all_brands():
            ChainSubmission.objects.update(next_attempt_at=None, lease_until=None)
    sender.settings.SOLANA_RPC_URLS = [sender.chain.url()]
    sender.finish(job)
    with brand_scope(job.brand_id):
        found = certificate_of(proof_row(job))
    mint = Pubkey.from_string(found.address)
    certificates = [row for row in transactions(job) if row.kind == "certificate"]
    assert [row.status for row in certificates] == ["expired", "finalized"]
    assert all(bytes(mint) in bytes(row.signed_bytes) for row in certificates)
    assert read(account(sender.chain, found.address)).supply == 1


def test_the_address_of_a_certificate_follows_from_who_pays_and_the_seed():
    payer = Keypair.from_seed(bytes(32)).pubkey()
    addresses = {str(token_2022.address_of(payer, seed)) for seed in ("a", "b", "a")}
    assert len(addresses) == 2
    made = token_2022.make(payer, "a", name="n", fields=[("k", "v")], lamports=1)
    assert str(token_2022.address_of(payer, "a")) in {str(one.pubkey) for one in made[0].accounts}


@pytest.mark.parametrize("data", [b"", bytes(165), bytes(165) + b"\x02", bytes(165) + b"\x01"])
def test_an_account_that_is_no_certificate_is_told_from_one(data):
    with pytest.raises(NoCertificate):
        read(data)


def test_a_proof_that_names_a_certificate_is_read_and_told_to_be_looked_up():
    told = sound_proof().as_dict() | {
        "certificate": {
            "blockchain": "solana",
            "network": "mainnet-beta",
            "address": "7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2",
            "signature": "2" * 88,
            "slot": 7,
        }
    }
    proof = read_proof(json.dumps(told).encode())
    assert proof.as_dict() == told
    checks = checks_of(proof)
    assert is_sound(checks)
    assert "7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2" in checks[-1].said
    assert dataclasses.replace(proof, certificate=None).as_dict() == sound_proof().as_dict()
    told["certificate"]["address"] = "0OIl"
    with pytest.raises(NoProof, match=r"certificate\.address"):
        read_proof(json.dumps(told).encode())
