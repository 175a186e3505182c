"""Assets: the compressed NFT of one unit, from the wish for it to its leaf in a tree.

As many as there are units, so what it costs to write one counts: units and batches are checked by
one trigger for each statement and not row by row.
"""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.batches import MintBatch
from minting.models.chain import SOLANA, ChainSubmission, ChainTransaction
from minting.models.metadata import MetadataDocument
from minting.models.transitions import only_legal
from minting.models.trees import ChainTree
from minting.models.units import MintUnit
from minting.states import ASSET_TRANSITIONS, AssetStatus, Priority
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

_UNITS_EXIST = """
    IF EXISTS (
        SELECT FROM inserted AS i
          LEFT JOIN minting_mintunit AS unit
            ON unit.id = i.unit_id AND unit.brand_id = i.brand_id AND unit.batch_id = i.batch_id
         WHERE unit.id IS NULL
    ) THEN
        RAISE foreign_key_violation USING MESSAGE =
            'assets must belong to units of their brand and batch';
    END IF;
    RETURN NULL;
"""


class UnitAsset(models.Model):
    """A unit's asset; there is one at most. The service contract calls it a mint.

    ``leaf_index``, ``leaf_hash`` and ``asset_id`` are what the chain's own event told, and so are
    empty until it was read. ``owner`` is empty where the leaf is to be the payer's.

    A leaf changes by one submission after the other: ``change_submission`` is the one that is under
    way or has failed, ``changed_in`` the transaction of the last one that landed. ``document`` and
    ``metadata_uri`` are those that the leaf names since. ``transfer_to`` is the address that it is
    to be given to, empty where it is to stay.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    unit = models.ForeignKey(
        MintUnit,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="assets",
    )
    batch = models.ForeignKey(
        MintBatch,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="assets",
    )
    tree = models.ForeignKey(
        ChainTree, null=True, on_delete=models.PROTECT, related_name="assets", db_index=False
    )
    submission = models.ForeignKey(
        ChainSubmission, null=True, on_delete=models.PROTECT, related_name="assets"
    )
    # Which of its submission's mints it is, from 0.
    place = models.PositiveSmallIntegerField(null=True)
    transaction = models.ForeignKey(
        ChainTransaction, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    asset_id = models.CharField(max_length=44, null=True, db_collation="C")
    leaf_index = models.PositiveBigIntegerField(null=True)
    leaf_hash = models.BinaryField(null=True, max_length=32)
    owner = models.CharField(max_length=44, blank=True, db_default="")
    name = models.CharField(max_length=32, blank=True, db_default="")
    document = models.ForeignKey(
        MetadataDocument, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    metadata_uri = models.CharField(max_length=200, blank=True, db_default="")
    schema = models.PositiveSmallIntegerField(null=True)
    transfer_to = models.CharField(max_length=44, blank=True, db_default="")
    change_submission = models.ForeignKey(
        ChainSubmission, null=True, on_delete=models.PROTECT, related_name="changes", db_index=False
    )
    # Which of its submission's changes it is, from 0.
    change_place = models.PositiveSmallIntegerField(null=True)
    change_error = models.TextField(blank=True, db_default="")
    changed_in = models.ForeignKey(
        ChainTransaction, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(null=True)
    blockchain = models.CharField(max_length=16, db_default=SOLANA)
    network = models.CharField(max_length=32)
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, db_default=Priority.STANDARD
    )
    status = models.CharField(
        max_length=16, choices=AssetStatus.choices, db_default=AssetStatus.PENDING
    )
    retry_count = models.PositiveIntegerField(db_default=0)
    error_message = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())
    reconciled_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (("retry_unitasset", "Can let failed assets go on"),)
        indexes = (
            models.Index(
                fields=("network", "batch", "priority", "id"),
                condition=models.Q(status=AssetStatus.PENDING),
                name="minting_asset_waiting",
            ),
            # The few that somebody may have to look at, among all that are completed.
            models.Index(
                fields=("status", "id"),
                condition=models.Q(
                    status__in=(
                        AssetStatus.PROCESSING,
                        AssetStatus.FAILED,
                        AssetStatus.MISSING_ON_CHAIN,
                    )
                ),
                name="minting_asset_unfinished",
            ),
            models.Index(fields=("batch", "status"), name="minting_asset_of_batch"),
            # Which leaves of a batch name another document than they are to, in the order in which
            # neighbours share most of their proofs.
            models.Index(
                fields=("batch", "document", "leaf_index"),
                condition=models.Q(status=AssetStatus.COMPLETED, change_submission__isnull=True),
                name="minting_asset_by_document",
            ),
            models.Index(
                fields=("network", "id"),
                condition=~models.Q(transfer_to="") & models.Q(change_submission__isnull=True),
                name="minting_asset_to_transfer",
            ),
            models.Index(
                fields=("change_submission", "change_place"),
                condition=models.Q(change_submission__isnull=False),
                name="minting_asset_changing",
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("unit",), name="minting_asset_of_unit"),
            models.UniqueConstraint(
                fields=("tree", "leaf_index"),
                condition=models.Q(leaf_index__isnull=False),
                name="minting_asset_leaf",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=AssetStatus.values), name="minting_asset_status"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=(AssetStatus.PENDING, AssetStatus.FAILED))
                | models.Q(tree__isnull=False, submission__isnull=False, place__isnull=False),
                name="minting_asset_submitted",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    status__in=(AssetStatus.COMPLETED, AssetStatus.MISSING_ON_CHAIN)
                )
                | models.Q(
                    leaf_index__isnull=False,
                    leaf_hash__isnull=False,
                    asset_id__isnull=False,
                    transaction__isnull=False,
                ),
                name="minting_asset_completed",
            ),
            models.CheckConstraint(
                condition=models.Q(change_submission__isnull=True, change_place__isnull=True)
                | models.Q(change_submission__isnull=False, change_place__isnull=False),
                name="minting_asset_change_whole",
            ),
        )
        triggers = (
            only_legal(ASSET_TRANSITIONS),
            pgtrigger.Trigger(
                name="units_exist",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="inserted"),  # type: ignore[no-untyped-call]
                func=_UNITS_EXIST,
            ),
            pgtrigger.Protect(
                name="whose_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("brand", "unit", "batch", "network"),
            ),
        )

    def __str__(self) -> str:
        return self.asset_id or f"asset of unit {self.unit_id}"
