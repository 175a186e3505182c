"""Keepers of keys that run while a test does, and settings that name them."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from solders.keypair import Keypair

from minting.chain.wallets import aws as asking_aws
from minting.chain.wallets.given import GivenKey, Hidden
from minting.chain.wallets.payer import forget_signers
from tests.chain.wallets.keepers import Aws, Vault


@pytest.fixture(autouse=True)
def no_signer_of_before() -> Iterator[None]:
    forget_signers()
    yield
    forget_signers()


@pytest.fixture
def keypair() -> Keypair:
    """A key that nothing may show."""
    return Keypair()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Aws]:
    """AWS as boto3's own environment finds it, asked without a pause between attempts."""
    monkeypatch.setattr(asking_aws, "ATTEMPTS", 1)
    keeper = Aws()
    with keeper.running():
        for name, value in {
            "AWS_ENDPOINT_URL": keeper.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_CONFIG_FILE": "none",
            "AWS_SHARED_CREDENTIALS_FILE": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield keeper


@pytest.fixture
def vault(settings: Any) -> Iterator[Vault]:
    keeper = Vault()
    with keeper.running():
        settings.VAULT_ADDR = keeper.url
        settings.VAULT_TOKEN = Hidden(keeper.token.encode())
        settings.VAULT_NAMESPACE = ""
        yield keeper


@pytest.fixture
def paid_by(settings: Any) -> Any:
    """Give a function that says where the payer's key is."""

    def say(source: str, name: str) -> None:
        settings.SOLANA_NETWORK = "devchain"
        settings.SOLANA_PAYER = GivenKey("SOLANA_KEY_NAME", source=source, name=name)

    return say


@pytest.fixture
def kept() -> Ed25519PrivateKey:
    """A key that its keeper gives to nobody."""
    return Ed25519PrivateKey.generate()
