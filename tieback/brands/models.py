"""Brands, the people, invitations and credentials that act for them, and the audit trail."""

import uuid
from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from tieback.brands.roles import Role
from tieback.brands.scoping import BrandManager

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)

# The rule is kept in tieback/brands/members.py, with words; this is its second belt. Whoever takes
# an owner away waits for whoever else does, then looks who is left. The key of the lock is
# members.LOCK's.
LAST_OWNER_STAYS = pgtrigger.Trigger(
    name="last_owner_stays",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("role") | pgtrigger.Delete,  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(old__role="owner"),
    func="""
        perform pg_advisory_xact_lock(
            hashtextextended('tieback.members:' || old.brand_id::text, 0));
        if not exists (select from brands_membership m
                        where m.brand_id = old.brand_id and m.role = 'owner') then
            raise exception 'a brand keeps its last owner' using errcode = 'restrict_violation';
        end if;
        return null;
    """,
)


class UserManager(BaseUserManager["User"]):
    """People sign in with their e-mail address, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who can sign in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator with every permission in the console."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by e-mail address."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do in a brand is their membership's role."""

    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField(default=False, help_text="May sign in to the console.")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    def __str__(self) -> str:
        return self.email


class Brand(models.Model):
    """A tenant: everything minted belongs to exactly one brand."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    resolver_host = models.CharField(
        max_length=255, blank=True, help_text="Host printed in codes; nothing mints without it."
    )
    gs1_prefixes = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    max_concurrent_jobs = models.PositiveIntegerField(null=True, blank=True)
    max_units_per_day = models.PositiveIntegerField(null=True, blank=True)
    default_locale = models.CharField(max_length=12, default="en")
    retention_days = models.PositiveIntegerField(default=90)
    activates_after_release = models.BooleanField(
        default=False,
        db_default=False,
        help_text="First scans activate only once the unit's batch was released.",
    )
    accent_colour = models.CharField(max_length=7, blank=True, default="", db_default="")
    support_url = models.URLField(max_length=500, blank=True, default="", db_default="")
    support_email = models.EmailField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(accent_colour__regex="^(#[0-9a-f]{6})?$"),
                name="brands_brand_accent_colour",
            ),
            # It becomes a link on a public page.
            models.CheckConstraint(
                condition=models.Q(support_url__regex="^(https?://.*)?$"),
                name="brands_brand_support_url",
            ),
        )

    def __str__(self) -> str:
        return self.name


class BrandLogo(models.Model):
    """The picture at the head of a brand's public pages; a PNG (``tieback.brands.logos``)."""

    brand = models.OneToOneField(
        Brand, primary_key=True, on_delete=models.PROTECT, related_name="logo"
    )
    image = models.BinaryField(max_length=20_000)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    uploaded_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    def __str__(self) -> str:
        return f"logo of {self.brand_id}"


class ResolverHost(models.Model):
    """A host whose codes are one brand's. It stays, since what is printed names it for ever.

    A trigger adds a brand's present host (``tieback_hold_resolver_host``); operators add others.
    """

    host = models.CharField(max_length=255, primary_key=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="resolver_hosts")
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        ordering = ("host",)

    def __str__(self) -> str:
        return self.host


class Membership(models.Model):
    """A person's role in a brand."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "brand"), name="brands_membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="brands_membership_role"
            ),
        )
        triggers = (LAST_OWNER_STAYS,)

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.brand_id}"


class Invitation(models.Model):
    """A place in a brand, held for whoever owns an e-mail address; only the token's hash is kept.

    Open until it is accepted, revoked or past its time; never more than one open for an address.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices)
    token_sha256 = models.BinaryField(max_length=32)
    invited_by = models.CharField(max_length=254, help_text="user:<id> or credential:<id>")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("token_sha256",), name="brands_invitation_token"),
            models.UniqueConstraint(
                Lower("email"),
                "brand",
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="brands_invitation_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="brands_invitation_role"
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(revoked_at=None),
                name="brands_invitation_one_end",
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="brands_invitation_accepted_by_whom",
            ),
        )
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="brands_invitation_recent"),
        )

    def __str__(self) -> str:
        return f"{self.role} of {self.brand_id} until {self.expires_at}"


class ApiCredential(models.Model):
    """An id and a secret with which a machine acts for a brand; only the secret's hash is kept.

    After a rotation the secret before it goes on working until ``previous_expires_at``.
    """

    id = models.CharField(primary_key=True, max_length=40, editable=False)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="credentials")
    name = models.CharField(max_length=100)
    secret_sha256 = models.BinaryField(max_length=32)
    previous_sha256 = models.BinaryField(max_length=32, null=True, blank=True)
    previous_expires_at = models.DateTimeField(null=True, blank=True)
    scopes = ArrayField(models.CharField(max_length=32))
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(Lower("name"), "brand", name="brands_apicredential_name"),
            models.CheckConstraint(
                condition=models.Q(previous_sha256=None, previous_expires_at=None)
                | models.Q(previous_sha256__isnull=False, previous_expires_at__isnull=False),
                name="brands_apicredential_previous_ends",
            ),
        )

    def __str__(self) -> str:
        return self.id


class AuditEntry(models.Model):
    """Who did what to which object, its state before and after. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, null=True, on_delete=models.PROTECT)
    actor = models.CharField(
        max_length=254, help_text="user:<id>, credential:<id> or system:<what>"
    )
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = BrandManager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=("brand", "-created_at", "-id"), name="brands_audit_recent"),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"


class UnsealedEntry(models.Model):
    """An audit entry that no seal covers yet; a trigger notes it, sealing takes it out.

    A cursor over ids would pass over an entry whose transaction commits after a later one's.
    """

    entry_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name_plural = "unsealed entries"

    def __str__(self) -> str:
        return str(self.entry_id)


class AuditSeal(models.Model):
    """A link of a brand's chain, or of the chain of what belongs to no brand.

    ``hash`` covers the seal before it, the ids and the hash of each entry sealed here
    (tieback/brands/sealing.py). Never changed, never deleted.
    """

    id = models.BigAutoField(primary_key=True)
    brand = models.ForeignKey(Brand, null=True, on_delete=models.PROTECT)
    sequence = models.BigIntegerField()
    first_entry = models.BigIntegerField()
    last_entry = models.BigIntegerField()
    count = models.IntegerField()
    entry_ids = ArrayField(models.BigIntegerField())
    entry_hashes = ArrayField(models.BinaryField(max_length=32))
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    objects = BrandManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("brand", "sequence"),
                nulls_distinct=False,
                name="brands_auditseal_sequence",
            ),
            models.CheckConstraint(
                condition=models.Q(sequence__gte=1, count__gte=1), name="brands_auditseal_counts"
            ),
        )
        triggers = (APPEND_ONLY,)

    def __str__(self) -> str:
        return f"seal {self.sequence} of {self.brand_id}"
