"""Trees of compressed NFTs: a brand's Merkle trees on a chain, and how full they are."""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.models.chain import SOLANA, ChainSubmission
from minting.models.transitions import only_legal
from minting.states import TREE_TRANSITIONS, LeafSchema, TreeStatus
from tieback.brands.models import Brand
from tieback.brands.scoping import BrandManager

_KEY = r"^[1-9A-HJ-NP-Za-km-z]{32,44}$"
#: As long as the seed of an address may be (solana-sdk, MAX_SEED_LEN).
LONGEST_SEED = 32


class ChainTree(models.Model):
    """A tree: the service contract calls it a collection.

    ``address`` follows from the payer and ``seed``, so the account needs no key of its own and an
    attempt that died is made again for the same address. Whoever asks for a tree need not know the
    payer: the worker that begins to make it writes down the addresses, for good.
    ``current_supply`` are the mints that are known to have landed, ``reserved`` those that it was
    chosen for and that have not yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, db_index=False)
    name = models.CharField(max_length=32)
    symbol = models.CharField(max_length=10, blank=True)
    seed = models.CharField(max_length=LONGEST_SEED)
    address = models.CharField(max_length=44, null=True, db_collation="C")
    authority_address = models.CharField(max_length=44, null=True, db_collation="C")
    creator = models.CharField(max_length=44, null=True)
    delegate = models.CharField(max_length=44, null=True)
    schema = models.PositiveSmallIntegerField(choices=LeafSchema.choices)
    max_depth = models.PositiveSmallIntegerField()
    max_buffer_size = models.PositiveIntegerField()
    canopy = models.PositiveSmallIntegerField()
    max_supply = models.PositiveBigIntegerField()
    current_supply = models.PositiveBigIntegerField(default=0)
    reserved = models.PositiveBigIntegerField(default=0)
    blockchain = models.CharField(max_length=16, default=SOLANA)
    network = models.CharField(max_length=32)
    # A collection of Metaplex Core that its assets belong to (schema 2), by address.
    core_collection = models.CharField(max_length=44, blank=True)
    metadata = models.JSONField(default=dict)
    # In lamports: what both its accounts took when they were made.
    rent = models.PositiveBigIntegerField(null=True)
    submission = models.ForeignKey(
        ChainSubmission, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status = models.CharField(
        max_length=16, choices=TreeStatus.choices, default=TreeStatus.CREATING
    )
    # What is wrong with it, as the last look at the chain found it.
    trouble = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    objects = BrandManager()

    class Meta:
        permissions = (
            ("archive_chaintree", "Can archive trees"),
            ("retry_chaintree", "Can let failed trees be made after all"),
        )
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="minting_tree_recent"),
            models.Index(
                fields=("brand", "network", "schema"),
                condition=models.Q(status=TreeStatus.ACTIVE),
                name="minting_tree_active",
            ),
            models.Index(
                fields=("network", "created_at"),
                condition=models.Q(status=TreeStatus.CREATING, submission__isnull=True),
                name="minting_tree_to_begin",
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("network", "address"), name="minting_tree_address"),
            models.UniqueConstraint(fields=("brand", "network", "name"), name="minting_tree_name"),
            models.CheckConstraint(
                condition=models.Q(status__in=TreeStatus.values), name="minting_tree_status"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    address__regex=_KEY,
                    authority_address__regex=_KEY,
                    creator__regex=_KEY,
                    delegate__regex=_KEY,
                ),
                name="minting_tree_keys",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    max_supply__gte=models.F("current_supply") + models.F("reserved")
                ),
                name="minting_tree_room",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=(TreeStatus.ACTIVE, TreeStatus.FULL))
                | models.Q(activated_at__isnull=False, address__isnull=False),
                name="minting_tree_activated",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    address__isnull=True,
                    authority_address__isnull=True,
                    creator__isnull=True,
                    delegate__isnull=True,
                    submission__isnull=True,
                )
                | models.Q(
                    address__isnull=False,
                    authority_address__isnull=False,
                    creator__isnull=False,
                    delegate__isnull=False,
                ),
                name="minting_tree_begun",
            ),
        )
        triggers = (
            only_legal(TREE_TRANSITIONS),
            pgtrigger.Protect(
                name="what_it_is_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "brand", "seed", "network", "schema", "max_depth", "max_supply"
                ),
            ),
            pgtrigger.Protect(
                name="where_it_is_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(
                    old__address__isnull=False, old__address__df=pgtrigger.F("new__address")
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.name
