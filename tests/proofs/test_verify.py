"""``tieback verify``: what passes, what does not, and what it says; with no database at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from minting.proofs.document import LARGEST_BYTES, NoProof, read
from minting.proofs.statement import Statement, key_of_brand, sign
from minting.proofs.verification import checks_of, is_sound
from tests.proofs.sound import BATCH, BRAND, PRODUCT, SECRET, SIZE, URIS, sound_proof
from tieback.__main__ import main

Change = Callable[[dict[str, Any]], object]


def failed(content: dict[str, Any], keys: tuple[str, ...] = ()) -> list[str]:
    """The names of the checks that fail."""
    checks = checks_of(read(json.dumps(content).encode()), keys)
    return [check.name for check in checks if check.passed is False]


@pytest.mark.parametrize("index", range(SIZE))
def test_every_unit_of_a_batch_is_proven(index):
    proof = sound_proof(index)
    checks = checks_of(proof, [proof.key])
    assert is_sound(checks)
    assert [check.passed for check in checks] == [True] * 4
    assert f"{URIS[index]} is unit {index + 1} of {SIZE}" in checks[1].said


def test_a_proof_is_read_as_it_was_written_and_as_the_api_answers_it():
    proof = sound_proof()
    written = proof.as_dict()
    assert read(json.dumps(written).encode()) == proof
    assert read(json.dumps({"ok": True, "data": written, "meta": {}}).encode()) == proof


def other_hash(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def set_in(*names: str, to: object = None) -> Change:
    """Change one value: to another, or to a hash with one digit changed."""

    def change(content: dict[str, Any]) -> None:
        for name in names[:-1]:
            content = content[name]
        content[names[-1]] = other_hash(content[names[-1]]) if to is None else to

    return change


CHANGED = {
    "another code": (set_in("leaf", "uri", to=URIS[5]), ["path"]),
    "another salt": (set_in("leaf", "salt"), ["path"]),
    "another place": (set_in("index", to=5), ["path"]),
    "a place outside": (set_in("index", to=SIZE), ["path"]),
    "a shortened path": (lambda c: c["path"].pop(), ["path"]),
    "a path without its first step": (lambda c: c["path"].pop(0), ["path"]),
    "a longer path": (lambda c: c["path"].append(c["path"][0]), ["path"]),
    "a path in another order": (lambda c: c["path"].reverse(), ["path"]),
    "another product in the leaf": (
        set_in("leaf", "product_id", to=str(UUID(int=9))),
        ["content", "path"],
    ),
    "another passport in the leaf": (set_in("leaf", "passport_sha256"), ["content", "path"]),
    "another root": (set_in("statement", "root"), ["path", "signature"]),
    "another size": (set_in("statement", "size", to=8), ["path", "signature"]),
    "another batch": (set_in("statement", "batch_id", to=str(UUID(int=9))), ["signature"]),
    "another brand": (set_in("statement", "brand_id", to=str(UUID(int=9))), ["signature"]),
    "another moment": (
        set_in("statement", "signed_at", to="2025-01-01T00:00:00Z"),
        ["signature"],
    ),
    "another signature": (set_in("signature", "value"), ["signature"]),
    "another key": (set_in("signature", "key", to="11" * 32), ["signature"]),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_changed_proof_fails_the_check_that_it_should(what):
    change, expected = CHANGED[what]
    content = sound_proof().as_dict()
    change(content)
    assert failed(content) == expected


def test_the_statement_of_another_batch_proves_nothing():
    content = sound_proof().as_dict()
    uris = [uri.replace("S", "T") for uri in URIS]
    other = sound_proof(batch=UUID(int=9), uris=uris).as_dict()
    content["statement"], content["signature"] = other["statement"], other["signature"]
    assert failed(content) == ["path"]


def test_only_the_brands_own_key_passes_where_it_is_known():
    proof = sound_proof()
    assert failed(proof.as_dict(), (proof.key,)) == []
    assert failed(proof.as_dict(), ("22" * 32,)) == ["key"]
    assert checks_of(proof)[-1].passed is None


def test_each_brand_has_a_key_of_its_own_and_no_other_passes_for_it():
    proof = sound_proof()
    stranger, theirs = sign(proof.statement, key_of_brand(SECRET, UUID(int=99)))
    assert stranger != proof.key
    content = proof.as_dict()
    content["signature"] |= {"key": stranger, "value": theirs}
    assert failed(content, (proof.key,)) == ["key"]
    again, _ = sign(proof.statement, key_of_brand(SECRET, BRAND))
    assert again == proof.key


def test_what_is_signed_has_its_names_in_order_and_no_spaces():
    signed = sound_proof().statement.signed.decode()
    assert json.dumps(json.loads(signed), sort_keys=True, separators=(",", ":")) == signed
    assert signed.startswith(f'{{"batch_id":"{BATCH}","brand_id":"{BRAND}","passport_sha256":"')
    assert f'"product_id":"{PRODUCT}"' in signed
    assert signed.endswith('"type":"tieback batch root","version":1}')


NO_PROOFS: dict[str, tuple[Change, str]] = {
    "format": (set_in("format", to="other"), "format must be 'tieback proof'"),
    "version": (set_in("version", to=2), "version must be 1"),
    "version true": (set_in("version", to=True), "version must be 1"),
    "no leaf": (lambda c: c.pop("leaf"), "leaf is missing"),
    "leaf a list": (set_in("leaf", to=[]), "leaf must be an object"),
    "leaf's version": (set_in("leaf", "version", to=9), "leaf.version must be 1"),
    "uri a number": (set_in("leaf", "uri", to=5), "leaf.uri must be the text"),
    "uri with a line": (set_in("leaf", "uri", to="a\nb"), "leaf.uri must be the text"),
    "salt short": (set_in("leaf", "salt", to="00"), "leaf.salt must have the form"),
    "product": (set_in("leaf", "product_id", to="x"), "leaf.product_id must be an id"),
    "index negative": (set_in("index", to=-1), "index must be a number"),
    "index true": (set_in("index", to=True), "index must be a number"),
    "index a text": (set_in("index", to="4"), "index must be a number"),
    "path a text": (set_in("path", to="aa"), "path must be a list"),
    "path of numbers": (set_in("path", to=[1]), "path must hold hashes"),
    "path endless": (set_in("path", to=["00" * 32] * 65), "at most 64 hashes"),
    "statement's type": (set_in("statement", "type", to="x"), "statement.type must be"),
    "moment": (set_in("statement", "signed_at", to="today"), "statement.signed_at must"),
    "no such day": (
        set_in("statement", "signed_at", to="2026-13-40T00:00:00Z"),
        "statement.signed_at must",
    ),
    "root upper case": (set_in("statement", "root", to="AB" * 32), "statement.root must have"),
    "algorithm": (set_in("signature", "algorithm", to="none"), "signature.algorithm must be"),
    "signature short": (set_in("signature", "value", to="00"), "signature.value must have"),
}


@pytest.mark.parametrize("what", NO_PROOFS)
def test_what_is_no_proof_is_refused_by_the_name_of_what_is_wrong(what):
    change, words = NO_PROOFS[what]
    content = sound_proof().as_dict()
    change(content)
    with pytest.raises(NoProof, match=words.replace("(", r"\(")):
        read(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_0, "not JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'{"ok": true}', "must be an object"),
        (b" " * (LARGEST_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_json_object_is_refused(content, words):
    with pytest.raises(NoProof, match=words):
        read(content)


def test_a_key_that_is_no_point_of_the_curve_signs_nothing():
    statement = sound_proof().statement
    content = sound_proof().as_dict()
    content["signature"]["key"] = "ff" * 32
    assert isinstance(statement, Statement)
    assert failed(content) == ["signature"]


def test_the_command_says_what_it_checked(tmp_path: Path, capsys):
    file, proof = tmp_path / "proof.json", sound_proof()
    file.write_text(json.dumps(proof.as_dict()))
    assert main(["verify", str(file)]) == 0
    said = capsys.readouterr().out
    assert "key        not checked" in said
    assert said.endswith("The proof is sound.\n")
    assert main(["verify", str(file), "--key", proof.key.upper()]) == 0
    assert "not checked" not in capsys.readouterr().out


def test_the_command_fails_for_a_changed_proof_and_for_no_proof(tmp_path: Path, capsys):
    file, content = tmp_path / "proof.json", sound_proof().as_dict()
    content["leaf"]["uri"] += "0"
    file.write_text(json.dumps(content))
    assert main(["verify", str(file)]) == 1
    assert "path       FAILED" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["verify", str(file), "--key", "short"])


def test_the_command_needs_no_settings_and_no_django():
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    watched = "import sys; from tieback.__main__ import main; code = main(['verify', '-']);"
    watched += "print(sorted(n for n in sys.modules if n.split('.')[0] in ('django', 'psycopg')));"
    watched += "sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", watched],
        check=False,
        input=json.dumps(sound_proof().as_dict()),
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("The proof is sound.\n[]\n")
