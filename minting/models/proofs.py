"""Proofs of batches: the roots of a tree over the units, and the brand's signature of the last."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.transitions import only_legal
from minting.states import PROOF_TRANSITIONS, ProofStatus
from tieback.brands.models import APPEND_ONLY, Brand
from tieback.brands.scoping import BrandManager

_HASH = r"^[0-9a-f]{64}$"


class BatchProof(models.Model):
    """A minted batch's tree: how many of its units are in it, and what was signed in the end.

    ``salt_key`` and ``passport_sha256`` are set with the first units. The key salts the leaves
    (``minting/proofs/leaves.py``); it leaves the system with no answer.
    """

    batch = models.OneToOneField(
        MintBatch, primary_key=True, on_delete=models.PROTECT, related_name="proof"
    )
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    status = models.CharField(
        max_length=8, choices=ProofStatus.choices, default=ProofStatus.PENDING
    )
    quantity = models.PositiveIntegerField()
    hashed_quantity = models.PositiveIntegerField(default=0)
    salt_key = models.BinaryField(null=True)
    passport_sha256 = models.CharField(max_length=64, blank=True)
    root = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=128, blank=True)
    signed_at = models.DateTimeField(null=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        permissions = (("retry_batchproof", "Can let failed proofs go on"),)
        indexes = (
            models.Index(
                fields=("created_at", "batch"),
                condition=models.Q(status=ProofStatus.PENDING),
                name="minting_proof_order",
            ),
            models.Index(fields=("brand", "status"), name="minting_proof_by_status"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=ProofStatus.values), name="minting_proof_status"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, hashed_quantity__lte=models.F("quantity")),
                name="minting_proof_quantity",
            ),
            models.CheckConstraint(
                condition=models.Q(hashed_quantity=0)
                | models.Q(salt_key__isnull=False, passport_sha256__regex=_HASH),
                name="minting_proof_begun",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=ProofStatus.SIGNED)
                | models.Q(
                    hashed_quantity=models.F("quantity"),
                    root__regex=_HASH,
                    key__regex=_HASH,
                    signature__regex=r"^[0-9a-f]{128}$",
                    signed_at__isnull=False,
                ),
                name="minting_proof_signed_in_full",
            ),
        )
        triggers = (
            only_legal(PROOF_TRANSITIONS),
            pgtrigger.Protect(
                name="signed_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status=ProofStatus.SIGNED),
            ),
        )

    def __str__(self) -> str:
        return f"proof of {self.batch_id}"


class ProofHead(models.Model):
    """The root of a batch's tree once the units of a cycle were added: the tree only grows.

    ``chunk_roots`` has those of the chunks that became full with this cycle, 32 bytes each, and
    ``tail_root`` that of the chunk which is not full yet, if any.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    batch = models.ForeignKey(
        MintBatch, on_delete=models.PROTECT, related_name="proof_heads", db_index=False
    )
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    root = models.CharField(max_length=64)
    chunk_roots = models.BinaryField()
    tail_root = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "number"), name="minting_proofhead_number"),
            models.UniqueConstraint(fields=("batch", "size"), name="minting_proofhead_size"),
            models.CheckConstraint(
                condition=models.Q(size__gte=1, root__regex=_HASH), name="minting_proofhead_root"
            ),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"{self.batch_id} at {self.size}"


class ProofKey(models.Model):
    """A public key with which a brand has signed; it stays known for as long as its proofs do."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    public_key = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("brand", "public_key"), name="minting_proofkey_once"),
            models.CheckConstraint(
                condition=models.Q(public_key__regex=_HASH), name="minting_proofkey_form"
            ),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return self.public_key
