"""The minting app's pages in the console; importing this package registers them."""

from minting.admin import (
    batches,
    budgets,
    chain,
    endpoints,
    events,
    jobs,
    metadata,
    prices,
    products,
    proofs,
    queues,
    reconciliation,
    revocations,
    trees,
    units,
    wallets,
)

__all__ = (
    "batches",
    "budgets",
    "chain",
    "endpoints",
    "events",
    "jobs",
    "metadata",
    "prices",
    "products",
    "proofs",
    "queues",
    "reconciliation",
    "revocations",
    "trees",
    "units",
    "wallets",
)
