"""A sound proof that no database has seen, to be changed by tests."""

from uuid import UUID

from minting.proofs.document import Leaf, Proof
from minting.proofs.leaves import leaf_hashes, salts_of
from minting.proofs.merkle import path_of, root_of
from minting.proofs.statement import Statement, key_of_brand, sign

BRAND, BATCH, PRODUCT = UUID(int=1), UUID(int=2), UUID(int=3)
PASSPORT = bytes(range(32))
SECRET = "5e" * 32
KEY = bytes(range(32))
SIZE = 11
URIS = [f"https://id.example/01/09506000134352/21/S{n:03}" for n in range(SIZE)]


def sound_proof(index: int = 4, *, batch: UUID = BATCH, uris: list[str] = URIS) -> Proof:
    """Return the proof of one of eleven units."""
    salts = salts_of(KEY, 1, len(uris))
    hashes = leaf_hashes(
        product_id=PRODUCT,
        passport_sha256=PASSPORT,
        salts=salts,
        uris=[uri.encode() for uri in uris],
    )
    statement = Statement(
        brand_id=str(BRAND),
        batch_id=str(batch),
        product_id=str(PRODUCT),
        passport_sha256=PASSPORT.hex(),
        size=len(uris),
        root=root_of(hashes).hex(),
        signed_at="2026-11-22T02:30:00Z",
    )
    key, signature = sign(statement, key_of_brand(SECRET, BRAND))
    return Proof(
        leaf=Leaf(
            product_id=PRODUCT,
            passport_sha256=PASSPORT.hex(),
            salt=salts[index * 16 :][:16].hex(),
            uri=uris[index],
        ),
        index=index,
        path=tuple(one.hex() for one in path_of(hashes, index)),
        statement=statement,
        key=key,
        signature=signature,
    )
