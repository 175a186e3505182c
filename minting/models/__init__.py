"""Tables of the minting app, by aggregate."""

from minting.models.assets import UnitAsset
from minting.models.batches import MintBatch, MintLot
from minting.models.budgets import ChainBudget
from minting.models.catalogue import PassportVersion, Product, ProductionBatch, ProductReadiness
from minting.models.chain import ChainSubmission, ChainTransaction
from minting.models.changes import PassportChange
from minting.models.endpoints import RpcEndpoint
from minting.models.identifiers import IdentifierStatus, IdentifierType, ProductIdentifier
from minting.models.jobs import MintCycle, MintEvent, MintJob
from minting.models.metadata import MetadataDocument
from minting.models.pauses import MintPause
from minting.models.prices import ChainPrice
from minting.models.proofs import BatchProof, ProofHead, ProofKey
from minting.models.reconciliation import ChainDrift, ReconciliationCursor, ReconciliationRun
from minting.models.revocations import MintRevocation
from minting.models.serials import SerialList, SerialListChunk
from minting.models.trees import ChainTree
from minting.models.units import MintUnit
from minting.models.wallets import ChainWallet

__all__ = (
    "BatchProof",
    "ChainBudget",
    "ChainDrift",
    "ChainPrice",
    "ChainSubmission",
    "ChainTransaction",
    "ChainTree",
    "ChainWallet",
    "IdentifierStatus",
    "IdentifierType",
    "MetadataDocument",
    "MintBatch",
    "MintCycle",
    "MintEvent",
    "MintJob",
    "MintLot",
    "MintPause",
    "MintRevocation",
    "MintUnit",
    "PassportChange",
    "PassportVersion",
    "Product",
    "ProductIdentifier",
    "ProductReadiness",
    "ProductionBatch",
    "ProofHead",
    "ProofKey",
    "ReconciliationCursor",
    "ReconciliationRun",
    "RpcEndpoint",
    "SerialList",
    "SerialListChunk",
    "UnitAsset",
)
