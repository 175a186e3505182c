"""States of jobs, batches and units, and every legal step between them. Pure data.

The same tables feed the models' constraints, the database triggers and the documentation.
"""

from django.db.models import IntegerChoices, TextChoices


class JobStatus(TextChoices):
    """Where a mint job stands."""

    QUEUED = "QUEUED", "Queued"
    RESERVED = "RESERVED", "Reserved"
    PROCESSING = "PROCESSING", "Processing"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


# Waiting for, or held by, a worker.
LIVE_JOBS = (JobStatus.QUEUED, JobStatus.RESERVED, JobStatus.PROCESSING)
FINISHED_JOBS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)

JOB_TRANSITIONS: dict[JobStatus, tuple[JobStatus, ...]] = {
    JobStatus.QUEUED: (JobStatus.RESERVED, JobStatus.CANCELLED),
    JobStatus.RESERVED: (
        JobStatus.PROCESSING,
        JobStatus.COMPLETED,
        JobStatus.FAILED,
        JobStatus.CANCELLED,
    ),
    JobStatus.PROCESSING: (
        JobStatus.RESERVED,
        JobStatus.COMPLETED,
        JobStatus.FAILED,
        JobStatus.CANCELLED,
    ),
    JobStatus.FAILED: (JobStatus.QUEUED, JobStatus.CANCELLED),
    JobStatus.COMPLETED: (),
    JobStatus.CANCELLED: (),
}


class BatchStatus(TextChoices):
    """Where a batch's units stand; mirrors its job."""

    QUEUED = "queued", "Queued"
    PROCESSING = "processing", "Processing"
    MINTED = "minted", "Minted"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


BATCH_TRANSITIONS: dict[BatchStatus, tuple[BatchStatus, ...]] = {
    BatchStatus.QUEUED: (BatchStatus.PROCESSING, BatchStatus.CANCELLED, BatchStatus.FAILED),
    BatchStatus.PROCESSING: (BatchStatus.MINTED, BatchStatus.FAILED, BatchStatus.CANCELLED),
    BatchStatus.FAILED: (BatchStatus.QUEUED, BatchStatus.PROCESSING, BatchStatus.CANCELLED),
    BatchStatus.MINTED: (),
    BatchStatus.CANCELLED: (),
}


# Still gaining units.
LIVE_BATCHES = (BatchStatus.QUEUED, BatchStatus.PROCESSING)


class PhysicalStatus(TextChoices):
    """What has happened to the batch's labels outside the system."""

    MINTED = "minted", "Minted"
    EXPORTED = "exported", "Exported"
    PRINTED = "printed", "Printed"
    APPLIED = "applied", "Applied"
    VOIDED = "voided", "Voided"


# Labels go forward, steps may be left out; spoiled ones come from a revocation or a cancelled job.
PHYSICAL_TRANSITIONS: dict[PhysicalStatus, tuple[PhysicalStatus, ...]] = {
    PhysicalStatus.MINTED: (
        PhysicalStatus.EXPORTED,
        PhysicalStatus.PRINTED,
        PhysicalStatus.APPLIED,
        PhysicalStatus.VOIDED,
    ),
    PhysicalStatus.EXPORTED: (
        PhysicalStatus.PRINTED,
        PhysicalStatus.APPLIED,
        PhysicalStatus.VOIDED,
    ),
    PhysicalStatus.PRINTED: (PhysicalStatus.APPLIED, PhysicalStatus.VOIDED),
    PhysicalStatus.APPLIED: (PhysicalStatus.VOIDED,),
    PhysicalStatus.VOIDED: (),
}


class ProofStatus(TextChoices):
    """Where the proof of a batch stands."""

    PENDING = "pending", "Pending"
    SIGNED = "signed", "Signed"
    FAILED = "failed", "Failed"


PROOF_TRANSITIONS: dict[ProofStatus, tuple[ProofStatus, ...]] = {
    ProofStatus.PENDING: (ProofStatus.SIGNED, ProofStatus.FAILED),
    ProofStatus.FAILED: (ProofStatus.PENDING,),
    ProofStatus.SIGNED: (),
}


class MetadataStatus(TextChoices):
    """Where a metadata document stands."""

    PENDING = "pending", "Pending"
    PINNED = "pinned", "Pinned"
    FAILED = "failed", "Failed"


METADATA_TRANSITIONS: dict[MetadataStatus, tuple[MetadataStatus, ...]] = {
    MetadataStatus.PENDING: (MetadataStatus.PINNED, MetadataStatus.FAILED),
    MetadataStatus.FAILED: (MetadataStatus.PENDING,),
    MetadataStatus.PINNED: (),
}


class UnitStatus(IntegerChoices):
    """A unit's life; it only ever moves to a higher value."""

    MINTED = 0, "minted"
    ACTIVE = 1, "active"
    REVOKED = 2, "revoked"


class Priority(IntegerChoices):
    """Claim order: the lower value is claimed first."""

    URGENT = 0, "urgent"
    HIGH = 1, "high"
    STANDARD = 2, "standard"


class IdentityMode(TextChoices):
    """How a unit is told apart."""

    SERIAL = "serial", "Serial"
    BATCH = "batch", "Batch"


class SerialSource(TextChoices):
    """Where the serials of a batch come from."""

    GENERATED = "generated", "Generated"
    SEQUENTIAL = "sequential", "Sequential"
    OWN = "own", "Own"


class ActivationMode(TextChoices):
    """When a unit becomes active."""

    ACTIVE_AT_MINT = "active_at_mint", "Active at mint"
    FIRST_SCAN = "first_scan", "First scan"


class CommercialStatus(TextChoices):
    """Whether a product is sold."""

    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    DISCONTINUED = "discontinued", "Discontinued"


class ProductionBatchStatus(TextChoices):
    """The ERP's state of a production run."""

    PLANNED = "PLANNED", "Planned"
    READY = "READY", "Ready"
    CLOSED = "CLOSED", "Closed"
    CANCELLED = "CANCELLED", "Cancelled"


class ChainMode(TextChoices):
    """What is written to a blockchain for a batch."""

    NONE = "none", "None"
    ANCHOR = "anchor", "Anchor"
    CERTIFICATE = "certificate", "Certificate"
    CNFT = "cnft", "Compressed NFTs"
    CNFT_ON_FIRST_SCAN = "cnft_on_first_scan", "Compressed NFT on first scan"
    CNFT_ON_DEMAND = "cnft_on_demand", "Compressed NFT on demand"


#: Modes in which units have assets, at once or later; the roots are anchored in these, too.
ASSET_MODES = (ChainMode.CNFT, ChainMode.CNFT_ON_FIRST_SCAN, ChainMode.CNFT_ON_DEMAND)


class SubmissionKind(TextChoices):
    """What a submission does on a chain."""

    ANCHOR = "anchor", "Anchor"
    CERTIFICATE = "certificate", "Certificate"
    TREE = "tree", "Tree"
    MINT = "mint", "Mint"
    DELEGATE = "delegate", "Delegate"
    UPDATE = "update", "Update"
    TRANSFER = "transfer", "Transfer"


class SubmissionStatus(TextChoices):
    """How far a submission to a chain has come."""

    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


SUBMISSION_TRANSITIONS: dict[SubmissionStatus, tuple[SubmissionStatus, ...]] = {
    SubmissionStatus.PENDING: (SubmissionStatus.SENT, SubmissionStatus.FAILED),
    # Back where its transaction is proven never to land, or landed in vain.
    SubmissionStatus.SENT: (
        SubmissionStatus.COMPLETED,
        SubmissionStatus.PENDING,
        SubmissionStatus.FAILED,
    ),
    SubmissionStatus.FAILED: (SubmissionStatus.PENDING,),
    SubmissionStatus.COMPLETED: (),
}


class TransactionStatus(TextChoices):
    """What became of a signed transaction."""

    SENT = "sent", "Sent"
    FINALIZED = "finalized", "Finalized"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


TRANSACTION_TRANSITIONS: dict[TransactionStatus, tuple[TransactionStatus, ...]] = {
    TransactionStatus.SENT: (
        TransactionStatus.FINALIZED,
        TransactionStatus.FAILED,
        TransactionStatus.EXPIRED,
    ),
    TransactionStatus.FINALIZED: (),
    TransactionStatus.FAILED: (),
    # Where reconciliation finds it on the chain after all.
    TransactionStatus.EXPIRED: (TransactionStatus.SENT,),
}


class RunType(TextChoices):
    """How much a reconciliation looks at."""

    INCREMENTAL = "incremental", "Incremental"
    FULL = "full", "Full"


class RunScope(TextChoices):
    """What a reconciliation looks at."""

    ALL = "all", "All"
    ANCHORS = "anchors", "Anchors"
    DOCUMENTS = "documents", "Documents"
    TREES = "trees", "Trees"


class RunStatus(TextChoices):
    """How far a reconciliation has come."""

    PENDING = "pending", "Pending"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


RUN_TRANSITIONS: dict[RunStatus, tuple[RunStatus, ...]] = {
    RunStatus.PENDING: (RunStatus.COMPLETED, RunStatus.FAILED),
    RunStatus.COMPLETED: (),
    RunStatus.FAILED: (),
}


class DriftDirection(TextChoices):
    """Which side lacks something."""

    DB_TO_CHAIN = "db_to_chain", "Here, and not there"
    CHAIN_TO_DB = "chain_to_db", "There, and not here"
    MISMATCH = "mismatch", "On both sides, and not the same"


class DriftKind(TextChoices):
    """In what database and chain, or database and the place of documents, differ."""

    TRANSACTION_MISSING = "transaction_missing", "Transaction missing"
    TRANSACTION_IN_VAIN = "transaction_in_vain", "Transaction in vain"
    SUBMISSION_UNFOUNDED = "submission_unfounded", "Submission unfounded"
    ANCHOR_MISSING = "anchor_missing", "Anchor missing"
    DOCUMENT_MISSING = "document_missing", "Document missing"
    TREE_MISSING = "tree_missing", "Tree missing"
    LEAF_MISSING = "leaf_missing", "Leaf missing"
    TRANSACTION_LANDED = "transaction_landed", "Transaction landed"
    LANDED_TWICE = "landed_twice", "Landed twice"
    ORPHAN_ANCHOR = "orphan_anchor", "Orphan anchor"
    UNKNOWN_SPENDING = "unknown_spending", "Unknown spending"
    LEAF_UNRECORDED = "leaf_unrecorded", "Leaf unrecorded"
    UNKNOWN_LEAF = "unknown_leaf", "Unknown leaf"
    MEMO_DIFFERS = "memo_differs", "Memo differs"
    DOCUMENT_DIFFERS = "document_differs", "Document differs"
    TREE_SUPPLY_DIFFERS = "tree_supply_differs", "Tree supply differs"
    TREE_AUTHORITY_DIFFERS = "tree_authority_differs", "Tree authority differs"
    OWNER_DIFFERS = "owner_differs", "Owner differs"
    LEAF_DIFFERS = "leaf_differs", "Leaf differs"
    METADATA_STALE = "metadata_stale", "Metadata stale"
    SEQUENCE_GAP = "sequence_gap", "Sequence gap"
    ROOT_DIFFERS = "root_differs", "Root differs"


class DriftStatus(TextChoices):
    """What became of a drift."""

    LEFT = "left", "Left"
    QUARANTINED = "quarantined", "Quarantined"
    ACCEPTED = "accepted", "Accepted"
    UNAUTHORISED = "unauthorised", "Unauthorised"
    REPAIRED = "repaired", "Repaired"
    GONE = "gone", "Gone"


# Somebody, or the next run, has something to do.
OPEN_DRIFTS = (DriftStatus.LEFT, DriftStatus.QUARANTINED)
# Still there, whatever was decided of them: not found anew.
STANDING_DRIFTS = (*OPEN_DRIFTS, DriftStatus.ACCEPTED, DriftStatus.UNAUTHORISED)

DRIFT_TRANSITIONS: dict[DriftStatus, tuple[DriftStatus, ...]] = {
    DriftStatus.LEFT: (
        DriftStatus.QUARANTINED,
        DriftStatus.ACCEPTED,
        DriftStatus.UNAUTHORISED,
        DriftStatus.REPAIRED,
        DriftStatus.GONE,
    ),
    DriftStatus.QUARANTINED: (
        DriftStatus.LEFT,
        DriftStatus.ACCEPTED,
        DriftStatus.UNAUTHORISED,
        DriftStatus.REPAIRED,
        DriftStatus.GONE,
    ),
    # Back where it is no longer what the person had seen.
    DriftStatus.ACCEPTED: (DriftStatus.QUARANTINED, DriftStatus.GONE),
    DriftStatus.UNAUTHORISED: (
        DriftStatus.QUARANTINED,
        DriftStatus.ACCEPTED,
        DriftStatus.GONE,
    ),
    DriftStatus.REPAIRED: (),
    DriftStatus.GONE: (),
}


class LeafSchema(IntegerChoices):
    """The form of a tree's leaves: Bubblegum's versions."""

    V1 = 1, "V1"
    V2 = 2, "V2"


class TreeStatus(TextChoices):
    """How far a tree of compressed NFTs is filled."""

    CREATING = "creating", "Creating"
    ACTIVE = "active", "Active"
    FULL = "full", "Full"
    ARCHIVED = "archived", "Archived"
    FAILED = "failed", "Failed"


TREE_TRANSITIONS: dict[TreeStatus, tuple[TreeStatus, ...]] = {
    TreeStatus.CREATING: (TreeStatus.ACTIVE, TreeStatus.FAILED),
    # An operator lets it be made after all, or gives it up.
    TreeStatus.FAILED: (TreeStatus.CREATING, TreeStatus.ARCHIVED),
    # An operator may close one that has room.
    TreeStatus.ACTIVE: (TreeStatus.FULL, TreeStatus.ARCHIVED),
    TreeStatus.FULL: (TreeStatus.ARCHIVED,),
    TreeStatus.ARCHIVED: (),
}


class AssetStatus(TextChoices):
    """How far a unit's compressed NFT has come."""

    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    MISSING_ON_CHAIN = "missing_on_chain", "Missing on chain"


ASSET_TRANSITIONS: dict[AssetStatus, tuple[AssetStatus, ...]] = {
    AssetStatus.PENDING: (AssetStatus.PROCESSING, AssetStatus.FAILED),
    # Back where nothing of its submission can land any more.
    AssetStatus.PROCESSING: (AssetStatus.COMPLETED, AssetStatus.FAILED, AssetStatus.PENDING),
    # On where its submission is let go on.
    AssetStatus.FAILED: (AssetStatus.PENDING, AssetStatus.PROCESSING),
    AssetStatus.COMPLETED: (AssetStatus.MISSING_ON_CHAIN,),
    AssetStatus.MISSING_ON_CHAIN: (AssetStatus.COMPLETED, AssetStatus.PENDING),
}


class WalletRole(TextChoices):
    """What a wallet was first used for; the payer may create trees too."""

    PAYER = "payer", "Payer"
    TREE_CREATOR = "tree_creator", "Tree creator"


class RevocationKind(TextChoices):
    """What a revocation names."""

    UNITS = "units", "Units"
    RANGE = "range", "Range"
    LOT = "lot", "Lot"
    BATCH = "batch", "Batch"


class RevocationReason(TextChoices):
    """Why units are no longer valid; spoiled units are shown as voided."""

    RECALLED = "recalled", "Recalled"
    COUNTERFEIT = "counterfeit", "Counterfeit"
    STOLEN = "stolen", "Stolen"
    LOST = "lost", "Lost"
    DAMAGED = "damaged", "Damaged"
    END_OF_LIFE = "end_of_life", "End of life"
    SPOILED = "spoiled", "Spoiled"
    OTHER = "other", "Other"


class RevocationStatus(TextChoices):
    """How far a revocation has come."""

    PENDING = "pending", "Pending"
    COMPLETED = "completed", "Completed"
