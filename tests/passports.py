"""Complete passport data for tests, one example a category, read from the demo's catalogue."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from minting.readiness import assess

CATALOGUE = Path(__file__).parent.parent / "demo" / "products.csv"


@cache
def _examples() -> dict[str, str]:
    with CATALOGUE.open(encoding="utf-8", newline="") as rows:
        found: dict[str, str] = {}
        for row in csv.DictReader(rows):
            if assess(row["category"], json.loads(row["dpp"])).ready:
                found.setdefault(row["category"], row["dpp"])
    return found


def ready_passport(category: str) -> dict[str, Any]:
    """Return passport data with which a product of this category is ready to mint."""
    passport: dict[str, Any] = json.loads(_examples()[category])
    return passport
