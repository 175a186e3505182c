"""What GS1's own engine said about generated texts of codes: four letters each.

``0000`` is a refusal; anything else begins the SHA-256 of what the engine read, in the notation
``(01)09506000134352(21)S1``.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

FILE = Path(__file__).with_name("digital_links.json")
SEED = 20261121
COUNT = 25_000
REFUSED = "0000"


def digest(read: str) -> str:
    """Return how a reading stands in the file; no reading stands there as a refusal does."""
    letters = sha256(read.encode()).hexdigest()
    return letters[:4] if letters[:4] != REFUSED else letters[4:8]


def digest_of_all(uris: Iterable[str]) -> str:
    """Return what tells these texts from all others."""
    return sha256("\n".join(uris).encode()).hexdigest()
