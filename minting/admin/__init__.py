"""The minting app's pages in the console; importing this package registers them."""

from minting.admin import (
    batches,
    chain,
    endpoints,
    events,
    jobs,
    metadata,
    products,
    proofs,
    queues,
    revocations,
    units,
    wallets,
)

__all__ = (
    "batches",
    "chain",
    "endpoints",
    "events",
    "jobs",
    "metadata",
    "products",
    "proofs",
    "queues",
    "revocations",
    "units",
    "wallets",
)
