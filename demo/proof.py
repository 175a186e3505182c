"""Proves a batch from its packs alone: nothing missing, nothing twice, nothing altered.

Pure of any service: it reads the files that were downloaded and the manifest that describes them.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = (
    *("ordinal", "token", "serial", "resolver_url", "gtin", "sku", "lot", "status"),
    *("activation_mode", "batch_id", "production_batch", "created_at"),
)
# How many faults of a kind are written out; the others are counted.
MOST_FAULTS = 20
_TOKEN = re.compile(r"[2-9A-HJ-NP-Z]{18,20}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:?\d\d)?)")


@dataclass(frozen=True)
class Expected:
    """What every row of the batch's packs must say."""

    units: int
    resolver_base: str
    gtin: str
    sku: str
    batch_id: str
    production_batch: str
    activation_mode: str

    @property
    def constant(self) -> list[str]:
        """The cells between the resolver URL and the moment of creation."""
        return [
            *(self.gtin, self.sku, "", "minted", self.activation_mode),
            *(self.batch_id, self.production_batch),
        ]


@dataclass(frozen=True)
class Download:
    """A pack as it lies on disk."""

    number: int
    path: Path


@dataclass
class Faults:
    """What is wrong of one kind; keeps the first faults and counts all."""

    listed: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, fault: str) -> None:
        """Take a fault."""
        self.count += 1
        if len(self.listed) < MOST_FAULTS:
            self.listed.append(fault)

    def __iter__(self) -> Iterator[str]:
        yield from self.listed
        if self.count > len(self.listed):
            yield f"{self.count - len(self.listed):,} more of the kind"


@dataclass
class Proof:
    """What the packs were found to hold."""

    rows: int = 0
    size: int = 0
    next_ordinal: int = 1
    packs: Faults = field(default_factory=Faults)
    digests: Faults = field(default_factory=Faults)
    ordinals: Faults = field(default_factory=Faults)
    tokens: Faults = field(default_factory=Faults)
    urls: Faults = field(default_factory=Faults)
    columns: Faults = field(default_factory=Faults)


def digest_file(path: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def prove(
    manifest_packs: list[Mapping[str, Any]], downloads: list[Download], expected: Expected
) -> Proof:
    """Read every pack in order and return all that is wrong.

    A manifest's entry has ``number``, ``rows``, ``bytes`` and ``sha256``. The tokens are kept, 20
    bytes each, to see a repeated one however far apart the two are.
    """
    proof = Proof()
    by_number = {download.number: download for download in downloads}
    entries = sorted(manifest_packs, key=lambda entry: int(entry["number"]))
    numbers = [int(entry["number"]) for entry in entries]
    if numbers != list(range(1, len(entries) + 1)):
        proof.packs.add("the manifest does not number its packs 1, 2, 3, …")
    for surplus in sorted(by_number.keys() - set(numbers)):
        proof.packs.add(f"pack {surplus} is not in the manifest")
    seen: set[bytes] = set()
    for entry in entries:
        download = by_number.get(int(entry["number"]))
        if download is None:
            proof.packs.add(f"pack {entry['number']} was not delivered")
        else:
            _prove_pack(proof, entry, download, expected, seen)
    if proof.rows != expected.units:
        proof.packs.add(f"{proof.rows:,} rows instead of {expected.units:,}")
    if proof.next_ordinal <= expected.units:
        proof.ordinals.add(f"{proof.next_ordinal:,} to {expected.units:,} are missing")
    return proof


def _prove_pack(
    proof: Proof,
    entry: Mapping[str, Any],
    download: Download,
    expected: Expected,
    seen: set[bytes],
) -> None:
    size, digest = digest_file(download.path)
    proof.size += size
    name = f"pack {download.number}"
    if size != entry["bytes"]:
        proof.digests.add(f"{name} has {size:,} bytes instead of {entry['bytes']:,}")
    if digest != entry["sha256"]:
        proof.digests.add(f"{name} has another SHA-256 than the manifest says")
    before = proof.rows
    try:
        _prove_rows(proof, download.path, name, expected, seen)
    except (csv.Error, UnicodeDecodeError) as error:
        proof.columns.add(f"{name} is no readable CSV: {error}")
    if proof.rows - before != entry["rows"]:
        proof.packs.add(f"{name} has {proof.rows - before:,} rows instead of {entry['rows']:,}")


def _prove_rows(proof: Proof, path: Path, name: str, expected: Expected, seen: set[bytes]) -> None:
    constant = expected.constant
    prefix = f"{expected.resolver_base}/01/{expected.gtin}/21/"
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        header = next(lines, [])
        if header != list(COLUMNS):
            proof.columns.add(f"{name} begins with {header}")
        for row in lines:
            proof.rows += 1
            if len(row) != len(COLUMNS):
                proof.columns.add(f"{name} has {len(row)} cells in its row {proof.rows:,}")
                continue
            ordinal, token, serial, url = row[:4]
            if ordinal != str(proof.next_ordinal):
                proof.ordinals.add(f"{name} has {ordinal!r} where {proof.next_ordinal} belongs")
            proof.next_ordinal = 1 + (int(ordinal) if ordinal.isdecimal() else proof.next_ordinal)
            if url != prefix + token:
                proof.urls.add(f"ordinal {ordinal} has {url}")
            if row[4:11] != constant or serial != token or not _MOMENT.fullmatch(row[11]):
                proof.columns.add(f"ordinal {ordinal} has {','.join(row[2:3] + row[4:])}")
            _prove_token(proof, token, ordinal, seen)


def _prove_token(proof: Proof, token: str, ordinal: str, seen: set[bytes]) -> None:
    if not _TOKEN.fullmatch(token):
        proof.tokens.add(f"ordinal {ordinal} has the malformed token {token!r}")
    known = len(seen)
    seen.add(token.encode())
    if len(seen) == known:
        proof.tokens.add(f"ordinal {ordinal} repeats the token {token}")
