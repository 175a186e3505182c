"""The code of before: which commit that is, and its files in a folder of their own."""

import io
import subprocess
import tarfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
_FIRST = ("0001_", "0002_")


class NoEarlierCode(Exception):
    """There is no commit to roll forward from; the message says what to do."""


def earlier_commit() -> str:
    """Return the last release, or before the first one the code of the first schema."""
    tag = _git("describe", "--tags", "--abbrev=0", check=False)
    if tag:
        return tag
    added = _git("log", "--reverse", "--diff-filter=A", "--name-only", "--format=commit %H")
    commit = ""
    for line in added.splitlines():
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif "/migrations/0" in line and not Path(line).name.startswith(_FIRST):
            return _git("rev-parse", f"{commit}^")
    raise NoEarlierCode("no migration has followed the first schema: name a commit by --old")


def lay_out(commit: str, folder: Path) -> Path:
    """Write a commit's files into an empty folder."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=PROJECT, check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=PROJECT, check=check, capture_output=True, text=True
    )
    return done.stdout.strip()
