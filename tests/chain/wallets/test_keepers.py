"""Keys that AWS or Vault keeps: what is asked, what signs, and what each trouble means."""

import base64
import json
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.wallets.given import Hidden
from minting.chain.wallets.payer import forget_signers, payer
from minting.chain.wallets.signer import KeyNotReachable, KeyRefused, Signer
from tests.chain.wallets.keepers import Aws, Refusal, Vault, raw_public
from tests.chain.wallets.leaks import leaked, told
from tests.platform.test_health import closed_port
from tieback.logs import logging_config

MESSAGE = b"a transaction's message"
SECRET, KMS, KV, TRANSIT = (
    *("tieback/payer", "alias/payer"),
    *("secret/data/tieback/payer", "transit/keys/payer"),
)


def address_of(key: Ed25519PrivateKey) -> Pubkey:
    return Pubkey(raw_public(key))


def signs(signer: Signer, address: Pubkey) -> bool:
    return signer.address == address and signer.sign(MESSAGE).verify(address, MESSAGE)


# AWS -------------------------------------------------------------------------------------------


def test_a_keypair_of_secrets_manager_signs_in_every_form(
    aws: Aws, paid_by: Any, keypair: Keypair
) -> None:
    paid_by("aws-secrets-manager", SECRET)
    for form in (json.dumps(list(bytes(keypair))), str(keypair), bytes(keypair)):
        aws.secrets[SECRET] = form
        forget_signers()
        assert signs(payer(), keypair.pubkey())


def test_a_secret_is_read_once_for_each_process(aws: Aws, paid_by: Any, keypair: Keypair) -> None:
    aws.secrets[SECRET] = str(keypair)
    paid_by("aws-secrets-manager", SECRET)
    assert payer() is payer()
    assert [asked["operation"] for asked in aws.asked] == ["GetSecretValue"]


def test_a_key_of_kms_signs_each_message_and_stays_there(
    aws: Aws, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    aws.keys[KMS] = kept
    paid_by("aws-kms", KMS)
    assert signs(payer(), address_of(kept))
    assert repr(payer()) == f"<KmsKey {address_of(kept)}>"
    assert [asked["operation"] for asked in aws.asked] == ["GetPublicKey", "Sign"]
    assert aws.asked[1] == {
        "operation": "Sign",
        "KeyId": KMS,
        "Message": base64.b64encode(MESSAGE).decode(),
        "MessageType": "RAW",
        "SigningAlgorithm": "ED25519_SHA_512",
    }


@pytest.mark.parametrize(
    "kind", [("ECC_NIST_P256", "SIGN_VERIFY"), ("ECC_NIST_EDWARDS25519", "ENCRYPT_DECRYPT")]
)
def test_a_key_of_another_kind_is_refused(
    aws: Aws, paid_by: Any, kept: Ed25519PrivateKey, kind: tuple[str, str]
) -> None:
    aws.keys[KMS], aws.odd_keys[KMS] = kept, kind
    paid_by("aws-kms", KMS)
    with pytest.raises(KeyRefused, match="ECC_NIST_EDWARDS25519 for SIGN_VERIFY"):
        payer()


def test_a_signature_of_another_key_is_refused(
    aws: Aws, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    aws.keys[KMS], aws.mistaken = kept, Ed25519PrivateKey.generate()
    paid_by("aws-kms", KMS)
    with pytest.raises(KeyRefused, match="no signature of this address"):
        payer().sign(MESSAGE)


@pytest.mark.parametrize(("source", "name"), [("aws-secrets-manager", SECRET), ("aws-kms", KMS)])
@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(400, {"__type": "AccessDeniedException", "message": "no"}), KeyRefused),
        (Refusal(400, {"__type": "UnrecognizedClientException", "message": "no"}), KeyRefused),
        (Refusal(400, {"__type": "DisabledException", "message": "no"}), KeyRefused),
        (Refusal(400, {"__type": "ThrottlingException", "message": "no"}), KeyNotReachable),
        (Refusal(500, {"__type": "InternalServiceError", "message": "no"}), KeyNotReachable),
        (Refusal(500, {"__type": "KMSInternalException", "message": "no"}), KeyNotReachable),
        (Refusal(503, {}), KeyNotReachable),
    ],
    ids=lambda value: str(getattr(value, "body", value)),
)
def test_each_refusal_of_aws_is_for_good_or_for_now(
    aws: Aws, paid_by: Any, source: str, name: str, refusal: Refusal, error: type[Exception]
) -> None:
    aws.troubles = [refusal]
    paid_by(source, name)
    with pytest.raises(error):
        payer()


@pytest.mark.parametrize(("source", "name"), [("aws-secrets-manager", SECRET), ("aws-kms", KMS)])
def test_a_name_that_aws_does_not_know_is_refused(
    aws: Aws, paid_by: Any, source: str, name: str
) -> None:
    paid_by(source, name)
    with pytest.raises(KeyRefused, match=r"NotFoundException.*SOLANA_KEY_NAME right"):
        payer()


@pytest.mark.usefixtures("aws")
def test_aws_that_does_not_answer_is_not_reachable(
    paid_by: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    paid_by("aws-kms", KMS)
    with pytest.raises(KeyNotReachable, match="AWS kms does not answer"):
        payer()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", ["AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY"])
def test_aws_without_region_or_credentials_is_refused_with_what_is_missing(
    paid_by: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    paid_by("aws-kms", KMS)
    with pytest.raises(KeyRefused, match="region and credentials"):
        payer()


def test_after_a_refusal_the_keeper_is_asked_again(
    aws: Aws, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    aws.keys[KMS], aws.troubles = kept, [Refusal(503, {})]
    paid_by("aws-kms", KMS)
    with pytest.raises(KeyNotReachable):
        payer()
    assert signs(payer(), address_of(kept))


# Vault -----------------------------------------------------------------------------------------


def test_a_keypair_of_vault_signs(vault: Vault, paid_by: Any, keypair: Keypair) -> None:
    vault.secrets["tieback/payer"] = {"keypair": str(keypair), "note": "ours"}
    paid_by("vault", KV)
    assert signs(payer(), keypair.pubkey())


def test_the_field_of_a_secret_is_named_behind_its_path(
    vault: Vault, paid_by: Any, keypair: Keypair
) -> None:
    vault.secrets["tieback/payer"] = {"key": json.dumps(list(bytes(keypair)))}
    paid_by("vault", f"{KV}#key")
    assert signs(payer(), keypair.pubkey())


@pytest.mark.parametrize("secret", [{}, {"keypair": 7}, {"other": "x"}])
def test_a_secret_without_the_field_is_refused(
    vault: Vault, paid_by: Any, secret: dict[str, Any]
) -> None:
    vault.secrets["tieback/payer"] = secret
    paid_by("vault", KV)
    with pytest.raises(KeyRefused, match="no text in its field"):
        payer()


def test_a_key_of_transit_signs_each_message_and_stays_there(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    vault.keys["payer"] = [kept]
    paid_by("vault", TRANSIT)
    assert signs(payer(), address_of(kept))
    assert repr(payer()) == f"<TransitKey {address_of(kept)}>"
    assert [asked["path"] for asked in vault.asked] == [
        "/v1/transit/keys/payer",
        "/v1/transit/sign/payer",
    ]


def test_a_key_that_is_rotated_signs_on_for_the_address_it_began_with(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    vault.keys["payer"] = [kept]
    paid_by("vault", TRANSIT)
    signer = payer()
    vault.keys["payer"].append(Ed25519PrivateKey.generate())
    assert signs(signer, address_of(kept))


def test_a_version_of_a_key_can_be_chosen(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    vault.keys["payer"] = [kept, Ed25519PrivateKey.generate()]
    paid_by("vault", f"{TRANSIT}:1")
    assert signs(payer(), address_of(kept))


def test_a_version_that_is_not_there_is_refused(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    vault.keys["payer"] = [kept]
    paid_by("vault", f"{TRANSIT}:2")
    with pytest.raises(KeyRefused, match="no version 2"):
        payer()


@pytest.mark.parametrize("odd", [{"type": "ecdsa-p256"}, {"derived": True}])
def test_a_key_of_transit_of_another_kind_is_refused(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey, odd: dict[str, Any]
) -> None:
    vault.keys["payer"], vault.odd_keys["payer"] = [kept], odd
    paid_by("vault", TRANSIT)
    with pytest.raises(KeyRefused, match="Solana needs ed25519"):
        payer()


def test_vault_that_signs_with_another_key_is_refused(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey
) -> None:
    vault.keys["payer"], vault.mistaken = [kept], Ed25519PrivateKey.generate()
    paid_by("vault", TRANSIT)
    with pytest.raises(KeyRefused, match="no signature of this address"):
        payer().sign(MESSAGE)


def test_vault_knows_us_by_token_and_namespace(
    vault: Vault, paid_by: Any, kept: Ed25519PrivateKey, settings: Any
) -> None:
    vault.keys["payer"], vault.namespace = [kept], "team"
    paid_by("vault", TRANSIT)
    with pytest.raises(KeyRefused, match="404"):
        payer()
    settings.VAULT_NAMESPACE = "team"
    assert signs(payer(), address_of(kept))
    settings.VAULT_TOKEN = Hidden(b"hvs.another")
    forget_signers()
    with pytest.raises(KeyRefused, match="403"):
        payer()


@pytest.mark.parametrize("name", [KV, TRANSIT])
@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(403, {"errors": ["permission denied"]}), KeyRefused),
        (Refusal(400, {"errors": ["no"]}), KeyRefused),
        (Refusal(429, {"errors": []}), KeyNotReachable),
        (Refusal(472, {"errors": []}), KeyNotReachable),
        (Refusal(500, {"errors": ["internal error"]}), KeyNotReachable),
        (Refusal(503, {"errors": ["Vault is sealed"]}), KeyNotReachable),
        (Refusal(200, {"no": "data"}), KeyRefused),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_each_refusal_of_vault_is_for_good_or_for_now(
    vault: Vault, paid_by: Any, name: str, refusal: Refusal, error: type[Exception]
) -> None:
    vault.troubles = [refusal]
    paid_by("vault", name)
    with pytest.raises(error):
        payer()


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("name", [KV, TRANSIT])
def test_a_name_that_vault_does_not_know_is_refused(paid_by: Any, name: str) -> None:
    paid_by("vault", name)
    with pytest.raises(KeyRefused, match="Vault refuses with 404"):
        payer()


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("name", ["payer", "transit/payer", "secret/payer#keypair"])
def test_a_name_that_is_no_path_of_vault_is_refused(paid_by: Any, name: str) -> None:
    paid_by("vault", name)
    with pytest.raises(KeyRefused, match="no path of Vault"):
        payer()


@pytest.mark.usefixtures("vault")
def test_vault_that_does_not_answer_is_not_reachable(paid_by: Any, settings: Any) -> None:
    settings.VAULT_ADDR = f"http://127.0.0.1:{closed_port()}"
    paid_by("vault", KV)
    with pytest.raises(KeyNotReachable, match="Vault does not answer"):
        payer()


# Nothing shows ---------------------------------------------------------------------------------


def spoiled(keypair: Keypair) -> list[str]:
    """Return texts that are nearly a key."""
    numbers = list(bytes(keypair))
    stranger = list(bytes(Keypair()))
    return [
        str(keypair)[:-1] + "0",
        json.dumps(numbers)[:-1],
        json.dumps(numbers[:-1]),
        json.dumps(numbers[:32] + stranger[32:]),
        json.dumps({"keypair": numbers}),
        base64.b64encode(bytes(keypair)).decode(),
    ]


def test_a_secret_that_is_no_key_is_refused_and_never_repeated(
    aws: Aws, vault: Vault, paid_by: Any, keypair: Keypair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "minting")
    for text in spoiled(keypair):
        aws.secrets[SECRET] = text
        vault.secrets["tieback/payer"] = {"keypair": text}
        for source, name in (("aws-secrets-manager", SECRET), ("vault", KV)):
            paid_by(source, name)
            with pytest.raises(KeyRefused, match="the secret is no key") as caught:
                payer()
            assert not leaked(told(caught.value) + caplog.text, keypair), text


def test_no_log_at_any_level_tells_a_secret_or_a_token(
    aws: Aws, vault: Vault, paid_by: Any, keypair: Keypair, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the levels that production's logging has where it is told to log everything."""
    quiet = logging_config(level="DEBUG", as_json=True)["loggers"]
    before = {name: logging.getLogger(name).level for name in ("", *quiet)}
    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    try:
        logging.getLogger().setLevel("DEBUG")
        for name, options in quiet.items():
            logging.getLogger(name).setLevel(options["level"])
        aws.secrets[SECRET] = str(keypair)
        vault.secrets["tieback/payer"] = {"keypair": str(keypair)}
        for source, name in (("aws-secrets-manager", SECRET), ("vault", KV)):
            forget_signers()
            paid_by(source, name)
            payer().sign(MESSAGE)
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    shown = "".join(capfd.readouterr())
    assert not leaked(shown, keypair)
    assert vault.token not in shown
