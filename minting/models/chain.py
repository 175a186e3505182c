"""What is written to a chain: what is to be done there once, and the transactions that try to."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.transitions import only_legal
from minting.states import (
    SUBMISSION_TRANSITIONS,
    TRANSACTION_TRANSITIONS,
    Priority,
    SubmissionKind,
    SubmissionStatus,
    TransactionStatus,
)
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
SOLANA = "solana"


class ChainSubmission(models.Model):
    """Something that is to happen on a chain exactly once.

    ``key`` says what, in words of its kind: a second submission of the same key is refused.
    ``payload`` has all that its transaction is made of, but for what changes from day to day.
    What concerns no batch, as a tree, has none.
    As with mint jobs, ``fence`` rises with each claim, and whoever writes names the present one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.PROTECT, related_name="submissions", db_index=False
    )
    kind = models.CharField(max_length=16, choices=SubmissionKind.choices)
    key = models.CharField(max_length=120)
    blockchain = models.CharField(max_length=16, default=SOLANA)
    network = models.CharField(max_length=32)
    payload = models.JSONField()
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.STANDARD)
    status = models.CharField(
        max_length=16, choices=SubmissionStatus.choices, default=SubmissionStatus.PENDING
    )
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    consecutive_errors = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (("retry_chainsubmission", "Can let failed submissions go on"),)
        indexes = (
            models.Index(
                fields=("network", "priority", "created_at", "id"),
                condition=models.Q(status__in=(SubmissionStatus.PENDING, SubmissionStatus.SENT)),
                name="minting_submission_order",
            ),
            models.Index(fields=("batch", "created_at", "id"), name="minting_submission_of_batch"),
            models.Index(fields=("brand", "status"), name="minting_submission_by_status"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "blockchain", "network", "key"), name="minting_submission_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=SubmissionStatus.values),
                name="minting_submission_status",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=SubmissionKind.values), name="minting_submission_kind"
            ),
            models.CheckConstraint(
                condition=~models.Q(status=SubmissionStatus.COMPLETED)
                | models.Q(completed_at__isnull=False),
                name="minting_submission_completed",
            ),
        )
        triggers = (
            only_legal(SUBMISSION_TRANSITIONS),
            pgtrigger.Protect(
                name="completed_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status=SubmissionStatus.COMPLETED),
            ),
        )

    def __str__(self) -> str:
        return self.key


class ChainTransaction(models.Model):
    """One signed transaction of a submission, stored before it is sent for the first time.

    A submission has at most one that may still land. The next is signed only when the one before
    is known never to land (``expired``) or has landed and failed. Amounts are in lamports; they
    are known once it is finalized.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    batch = models.ForeignKey(
        MintBatch, null=True, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    submission = models.ForeignKey(
        ChainSubmission, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    kind = models.CharField(max_length=16, choices=SubmissionKind.choices)
    attempt = models.PositiveIntegerField()
    blockchain = models.CharField(max_length=16, default=SOLANA)
    network = models.CharField(max_length=32)
    payer = models.CharField(max_length=44)
    signature = models.CharField(max_length=88, db_collation="C")
    signed_bytes = models.BinaryField()
    last_valid_block_height = models.PositiveBigIntegerField()
    mint_count = models.PositiveIntegerField(default=0)
    status = models.CharField(
        max_length=16, choices=TransactionStatus.choices, default=TransactionStatus.SENT
    )
    slot = models.PositiveBigIntegerField(null=True)
    fee = models.PositiveBigIntegerField(null=True)
    priority_fee = models.PositiveBigIntegerField(null=True)
    # What left the payer beside the fee: rent of new accounts, fees of programs.
    spent_besides = models.BigIntegerField(null=True)
    compute_units = models.PositiveBigIntegerField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_transaction_recent"),
            models.Index(fields=("batch", "created_at"), name="minting_transaction_of_batch"),
            # Rows are as long as a packet: what is counted of many is read from here alone.
            models.Index(
                fields=("brand", "created_at"),
                include=(
                    *("batch", "kind", "blockchain", "network", "status", "attempt", "mint_count"),
                    *("fee", "priority_fee", "spent_besides", "settled_at"),
                ),
                name="minting_transaction_costs",
            ),
            models.Index(
                fields=("network", "settled_at", "id"),
                condition=models.Q(settled_at__isnull=False),
                name="minting_transaction_settled",
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("signature",), name="minting_transaction_signature"),
            models.UniqueConstraint(
                fields=("submission", "attempt"), name="minting_transaction_attempt"
            ),
            models.UniqueConstraint(
                fields=("submission",),
                condition=models.Q(
                    status__in=(TransactionStatus.SENT, TransactionStatus.FINALIZED)
                ),
                name="minting_transaction_one_alive",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=TransactionStatus.values),
                name="minting_transaction_status",
            ),
            models.CheckConstraint(
                condition=models.Q(signature__regex=rf"^{_BASE58}{{64,88}}$"),
                name="minting_transaction_signature_form",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=TransactionStatus.FINALIZED)
                | models.Q(slot__isnull=False, fee__isnull=False, settled_at__isnull=False),
                name="minting_transaction_finalized",
            ),
        )
        triggers = (
            only_legal(TRANSACTION_TRANSITIONS),
            pgtrigger.Protect(
                name="settled_stays",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status=TransactionStatus.SENT)
                & ~pgtrigger.Q(
                    old__status=TransactionStatus.EXPIRED, new__status=TransactionStatus.SENT
                ),
            ),
            pgtrigger.Protect(
                name="signed_stays",
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "signature", "signed_bytes", "last_valid_block_height", "attempt"
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.signature
