"""Writes packs as the exports do, for tests to spoil."""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.proof import COLUMNS, Download, Expected, Proof, prove

EXPECTED = Expected(
    units=30,
    resolver_base="http://localhost:8001",
    gtin="09524010000016",
    sku="NH-TEE-001",
    batch_id="0198c0de-0000-7000-8000-000000000001",
    production_batch="PO-2026-1001",
    activation_mode="first_scan",
)
_PACK_SIZE = 10


def row(ordinal: int) -> dict[str, str]:
    token = f"ABCDE{ordinal:015}".replace("0", "Z").replace("1", "Y")
    values = (
        *(str(ordinal), token, token, f"{EXPECTED.resolver_base}/01/{EXPECTED.gtin}/21/{token}"),
        *(EXPECTED.gtin, EXPECTED.sku, "", "minted", "first_scan", EXPECTED.batch_id),
        *(EXPECTED.production_batch, "2026-11-21T04:00:00.123456Z"),
    )
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class Delivery:
    """A batch of three packs: what the manifest says, and what lies on disk."""

    folder: Path
    rows: list[dict[str, str]] = field(default_factory=lambda: [row(n) for n in range(1, 31)])
    manifest: list[dict[str, Any]] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)

    def write(self) -> "Delivery":
        """Cut the rows into packs and describe these truly."""
        self.manifest, self.downloads = [], []
        for number, start in enumerate(range(0, len(self.rows), _PACK_SIZE), start=1):
            rows = self.rows[start : start + _PACK_SIZE]
            content = as_csv(rows)
            path = self.folder / f"{number}.csv"
            path.write_bytes(content)
            self.downloads.append(Download(number, path))
            self.manifest.append(
                {
                    "number": number,
                    "rows": len(rows),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
        return self

    def prove(self) -> Proof:
        return prove(self.manifest, self.downloads, EXPECTED)
