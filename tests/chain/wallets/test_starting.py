"""Starting a worker: which keys it takes, which it refuses, and that a refusal repeats none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from solders.keypair import Keypair

from tests.chain.wallets.leaks import leaked
from tests.chain.wallets.test_held_keys import wrong_keys
from tests.docs.markdown import ROOT

SHOWN = "import tieback.settings as s; print(s.SOLANA_NETWORK, s.SOLANA_PAYER, s.SOLANA_RPC_URLS)"
WORKER = {
    "TIEBACK_PLANE": "worker",
    "SECRET_KEY": "k" * 40,
    "DB_HOST": "db",
    "DB_PASSWORD": "p" * 12,
    "REDIS_URL": "redis://none",
    "S3_ENDPOINT_URL": "http://none",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "secret",
    "TIEBACK_PROOF_SECRET": "a" * 64,
}
ON_MAINNET = {"SOLANA_NETWORK": "mainnet-beta", "SOLANA_ALLOW_PUBLIC_NETWORK": "mainnet-beta"}


def started(**environ: str) -> "subprocess.CompletedProcess[str]":
    """Load the settings as a process of its own, with this environment and nothing else."""
    return subprocess.run(
        [sys.executable, "-c", SHOWN],
        env={"PATH": os.defpath, **WORKER, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def problems(done: "subprocess.CompletedProcess[str]") -> list[str]:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return [line[4:] for line in done.stderr.splitlines() if line.startswith("  - ")]


def test_production_has_no_chain_unless_it_is_told_which() -> None:
    assert started().stdout == " None []\n"


def test_without_a_network_there_is_no_chain() -> None:
    assert started(TIEBACK_ENV="development").stdout == " None []\n"


def test_endpoints_are_one_or_several() -> None:
    urls = {"SOLANA_RPC_URLS": "http://a,http://b", "SOLANA_RPC_URL": "http://c"}
    assert started(**urls).stdout.endswith("['http://a', 'http://b', 'http://c']\n")


def test_a_worker_starts_with_a_key_and_does_not_show_it(keypair: Keypair, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(json.dumps(list(bytes(keypair))))
    for given in ({"SOLANA_KEYPAIR": str(keypair)}, {"SOLANA_KEYPAIR_FILE": str(file)}):
        done = started(SOLANA_NETWORK="localnet", **given)
        assert done.returncode == 0, done.stderr
        assert "keypair=Hidden()" in done.stdout
        assert not leaked(done.stdout + done.stderr, keypair)


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(("network", "allowed"), [("mainnet-beta", ""), ("devnet", "testnet")])
def test_a_key_on_a_public_network_needs_the_network_s_name_twice(
    keypair: Keypair, environment: str, network: str, allowed: str
) -> None:
    given = {
        "TIEBACK_ENV": environment,
        "SOLANA_NETWORK": network,
        "SOLANA_KEYPAIR": str(keypair),
        "SOLANA_ALLOW_PUBLIC_NETWORK": allowed,
    }
    (problem,) = problems(started(**given))
    assert problem.endswith(
        f"set SOLANA_ALLOW_PUBLIC_NETWORK to {network} as well, or leave the key out"
    )
    given["SOLANA_ALLOW_PUBLIC_NETWORK"] = network
    assert started(**given).returncode == 0


def test_a_public_network_without_a_key_needs_no_leave() -> None:
    assert started(SOLANA_NETWORK="mainnet-beta").returncode == 0


def test_a_keeper_of_a_key_needs_the_same_leave() -> None:
    given = {"SOLANA_KEY_SOURCE": "aws-kms", "SOLANA_KEY_NAME": "alias/payer"}
    (problem,) = problems(started(SOLANA_NETWORK="mainnet-beta", **given))
    assert "SOLANA_ALLOW_PUBLIC_NETWORK" in problem
    assert started(**ON_MAINNET, **given).returncode == 0


def test_vault_needs_address_and_token(tmp_path: Path) -> None:
    given = {
        "SOLANA_NETWORK": "localnet",
        "SOLANA_KEY_SOURCE": "vault",
        "SOLANA_KEY_NAME": "transit/keys/payer",
    }
    said = problems(started(**given))
    assert [line.split()[0] for line in said] == ["VAULT_ADDR", "VAULT_TOKEN"]
    said = problems(started(**given, VAULT_ADDR="vault:8200", VAULT_TOKEN="two words"))
    assert [line.split()[0] for line in said] == ["VAULT_ADDR", "VAULT_TOKEN"]
    token = tmp_path / "token"
    token.write_text("hvs.token\n")
    known = {"VAULT_ADDR": "https://vault.example:8200", "VAULT_TOKEN_FILE": str(token)}
    assert started(**given, **known).returncode == 0


def test_a_key_that_is_none_stops_the_worker_and_is_not_repeated(keypair: Keypair) -> None:
    for said, given in wrong_keys(keypair).items():
        done = started(SOLANA_NETWORK="localnet", **given)
        (problem,) = problems(done)
        assert problem.startswith(said)
        assert not leaked(done.stdout + done.stderr, keypair)


@pytest.mark.parametrize(
    "name",
    [
        *("SOLANA_NETWORK", "SOLANA_KEY_SOURCE", "SOLANA_KEYPAIR_FILE", "WALLET_PRIVATE_KEY_FILE"),
        *("WALLET_PATH", "SOLANA_TREE_CREATOR_KEYPAIR_FILE", "VAULT_TOKEN_FILE"),
    ],
)
def test_a_key_in_the_wrong_setting_is_not_repeated_either(name: str, keypair: Keypair) -> None:
    for form in (str(keypair), json.dumps(list(bytes(keypair)))):
        done = started(**{name: form})
        assert any(problem.startswith(name) for problem in problems(done))
        assert not leaked(done.stdout + done.stderr, keypair)


def test_a_file_that_is_no_text_is_named_and_not_repeated(keypair: Keypair, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff" + bytes(keypair))
    done = started(SOLANA_KEYPAIR_FILE=str(file))
    assert problems(done) == [
        "SOLANA_KEYPAIR_FILE must be the path of a text file that can be read"
    ]
    assert not leaked(done.stdout + done.stderr, keypair)


@pytest.mark.parametrize("plane", ["owner", "resolver"])
def test_other_planes_do_not_look_at_keys(plane: str, keypair: Keypair) -> None:
    done = started(TIEBACK_PLANE=plane, SOLANA_KEYPAIR=f"{keypair}0", ALLOWED_HOSTS="a.example")
    assert done.returncode == 0, done.stderr
    assert " None " in done.stdout
