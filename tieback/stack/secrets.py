"""Secrets of the embedded stack: generated once, kept in one file only its owner can read."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tieback.planes import PLANES
from tieback.stack.errors import StackError
from tieback.stack.keypairs import make_keypair

FILE_NAME = "secrets.json"
POSTGRES_SUPERUSER = "POSTGRES_SUPERUSER_PASSWORD"
REDIS = "REDIS_PASSWORD"
S3_KEY_ID = "S3_ACCESS_KEY_ID"
S3_SECRET = "S3_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
SECRET_KEY = "SECRET_KEY"  # noqa: S105 - the name of a variable
TEST_LINKS = "TIEBACK_TEST_LINK_KEY"
PROOFS = "TIEBACK_PROOF_SECRET"
PAYER = "SOLANA_KEYPAIR"
OPERATOR = "TIEBACK_OPERATOR_PASSWORD"

NAMES = (
    SECRET_KEY,
    *(plane.password_variable for plane in PLANES.values()),
    POSTGRES_SUPERUSER,
    REDIS,
    S3_KEY_ID,
    S3_SECRET,
    TEST_LINKS,
    PROOFS,
    PAYER,
    OPERATOR,
)


def load_secrets(home: Path) -> dict[str, str]:
    """Return the secrets of a home; what is missing is generated and saved first."""
    path = home / FILE_NAME
    kept = _read(path)
    missing = {name: _generate(name) for name in NAMES if name not in kept}
    if missing:
        kept |= missing
        write_private(path, json.dumps(kept, indent=2) + "\n")
    return kept


def write_private(path: Path, text: str) -> None:
    """Replace a file by one of mode 0600, in one step, so that no reader sees half of it."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    try:
        found: Mapping[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        message = f"cannot read {path}: {error}"
        raise StackError(message) from error
    return dict(found)


def _generate(name: str) -> str:
    if name == S3_KEY_ID:
        return "TB" + secrets.token_hex(9).upper()
    if name == OPERATOR:
        return secrets.token_urlsafe(15)
    if name == PAYER:
        return make_keypair()
    # Letters and digits only: these travel in URLs and configuration files. The private key of
    # test links is 32 random bytes like any other (RFC 8032).
    return secrets.token_hex(32)
