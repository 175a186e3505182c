"""``python -m tieback verify proof.json``: checks a proof where there is no tieback.

Needs no database, no settings and no network; of the packages of this project only
``cryptography``.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from minting.proofs.document import LARGEST_BYTES, NoProof, read
from minting.proofs.verification import Check, checks_of, is_sound

_KEY = re.compile(r"[0-9a-f]{64}")
_WORDS = {True: "ok", False: "FAILED", None: "not checked"}
NO_PROOF = 2


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 where every check that was made passed, 1 where one failed, 2 for no proof."""
    asked = _options(words)
    try:
        proof = read(_content(asked.file))
    except (NoProof, OSError) as error:
        print(f"tieback verify: {asked.file}: {error}", file=sys.stderr)
        return NO_PROOF
    checks = checks_of(proof, asked.key)
    print("\n".join(map(_line, checks)))
    sound = is_sound(checks)
    print("The proof is sound." if sound else "The proof is NOT sound.")
    return 0 if sound else 1


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tieback")
    commands = parser.add_subparsers(required=True)
    verify = commands.add_parser("verify", help="check the proof of a unit")
    verify.add_argument("file", help="proof.json; - for standard input")
    verify.add_argument(
        "--key",
        action="append",
        default=[],
        type=_key,
        help="a public key of the brand, 64 hexadecimal digits; may be given several times",
    )
    return parser.parse_args(words)


def _key(text: str) -> str:
    if not _KEY.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError("a key has 64 hexadecimal digits")
    return text.lower()


def _content(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(LARGEST_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _line(check: Check) -> str:
    return f"{check.name:10} {_WORDS[check.passed]:12} {check.said}"


if __name__ == "__main__":
    sys.exit(main())
