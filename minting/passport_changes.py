"""Changes what a minted batch's passports show: another version, with a reason, for good.

Runs in one transaction, in the brand's turn: the version that keeps the data where there is none
yet, the change, the batch that names what is shown, the document to be pinned, and who did it. The
proof goes on naming the version that was minted with. Leaves on a chain follow once the document is
pinned (``minting/chain/changes/``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from minting import pipeline
from minting.catalogue.turns import take_turn
from minting.catalogue.values import passport_faults
from minting.change_rules import changed_fields, immutable, merged, newly_missing
from minting.events import tell
from minting.field_problems import FieldProblem
from minting.metadata.asking import PIN, queue_shown
from minting.models import MintBatch, PassportChange, PassportVersion, Product
from minting.passport_schema import load
from minting.revocations import Act
from minting.states import BatchStatus
from tieback.brands.audit import ActsFor, record
from tieback.errors import Conflict, FieldError, NotFound, TiebackError, ValidationFailed


class BatchNotMinted(Conflict):
    """Only a batch whose units all exist has passports to change."""

    code = "BATCH_NOT_MINTED"


class PassportImmutable(TiebackError):
    """Some of these fields are fixed at minting. Nothing was changed; each of them is listed."""

    code = "PASSPORT_IMMUTABLE"
    status = 422


@dataclass(frozen=True)
class Wanted:
    """What is to be shown: some fields in place of the present ones, or a version by its number."""

    fields: Mapping[str, Any] | None = None
    version: int | None = None


@transaction.atomic
def change_passport(*, batch_id: UUID, wanted: Wanted, act: Act) -> PassportChange:
    """Show another version on all passports of a batch. Runs in the brand's scope.

    ``act.reason`` is shown on them. Raises ``NotFound``, ``BatchNotMinted``, ``PassportImmutable``
    and ``ValidationFailed``, having written nothing.
    """
    product = _held_product(batch_id)
    batch = MintBatch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.status != BatchStatus.MINTED:
        raise BatchNotMinted
    shown = PassportVersion.objects.get(pk=batch.shown_id)
    version, is_new = _version(product, shown, wanted, act)
    fields = changed_fields(shown.dpp, version.dpp)
    _check(shown, version, fields, wanted)
    if is_new:
        version.save(force_insert=True)
        Product.objects.filter(pk=product.pk).update(last_version=version.number)
    change = PassportChange.objects.create(
        brand_id=batch.brand_id,
        batch=batch,
        number=batch.passport_changes + 1,
        from_version=shown,
        to_version=version,
        fields=list(fields),
        reason=act.reason,
        actor=act.actor,
    )
    change.refresh_from_db(fields=["created_at"])
    MintBatch.objects.filter(pk=batch.pk).update(
        shown_version=version, passport_changes=change.number, leaf_document=None
    )
    queue_shown(batch.pk)
    _tell(change, act)
    transaction.on_commit(lambda: pipeline.ring_step(PIN, batch_id))
    return change


def _held_product(batch_id: UUID) -> Product:
    """Return the batch's product, held as everyone who writes a version holds it."""
    found = MintBatch.objects.filter(pk=batch_id).values_list("brand_id", "product_id").first()
    if found is None:
        raise NotFound
    brand_id, product_id = found
    take_turn(brand_id)
    return Product.objects.select_for_update(no_key=True).get(pk=product_id)


def _version(
    product: Product, shown: PassportVersion, wanted: Wanted, act: Act
) -> tuple[PassportVersion, bool]:
    """Return the version that is to be shown, and whether it is yet to be written."""
    if wanted.version is not None:
        return _named(product, shown, wanted.version), False
    dpp = merged(shown.dpp, wanted.fields or {})
    if faults := passport_faults(shown.category, dpp):
        raise ValidationFailed(fields=tuple(faults))
    if product.category == shown.category and product.dpp == dpp:
        same = PassportVersion.objects.filter(product=product, number=product.dpp_version).first()
        if same is not None:
            return same, False
    version = PassportVersion(
        brand_id=product.brand_id,
        product=product,
        number=max(product.dpp_version, product.last_version) + 1,
        category=shown.category,
        schema_version=load(shown.category).version,
        dpp=dpp,
        actor=act.actor,
    )
    return version, True


def _named(product: Product, shown: PassportVersion, number: int) -> PassportVersion:
    version = PassportVersion.objects.filter(product=product, number=number).first()
    if version is None:
        raise _refused("NOT_FOUND", f"The product's passport has no version {number}.")
    if number <= shown.number:
        raise _refused("NOT_NEWER", f"Version {shown.number} is shown: name a newer one.")
    if version.category != shown.category:
        raise _refused("OTHER_CATEGORY", f"Version {number} is a passport of another category.")
    return version


def _refused(code: str, message: str) -> ValidationFailed:
    return ValidationFailed(fields=(FieldError("passport_version", code, message),))


def _check(
    shown: PassportVersion, version: PassportVersion, fields: tuple[str, ...], wanted: Wanted
) -> None:
    if not fields:
        name = "passport" if wanted.version is None else "passport_version"
        message = "The passports show this already."
        raise ValidationFailed(fields=(FieldError(name, "UNCHANGED", message),))
    if fixed := tuple(immutable(shown.category, fields)):
        raise PassportImmutable(fields=tuple(map(_fault, fixed)))
    if missing := tuple(newly_missing(shown.category, shown.dpp, version.dpp)):
        raise ValidationFailed(fields=tuple(map(_fault, missing)))


def _fault(problem: FieldProblem) -> FieldError:
    return FieldError(f"passport.{problem.field}", problem.code, problem.message)


def _tell(change: PassportChange, act: Act) -> None:
    told = {
        "number": change.number,
        "from_version": change.from_version.number,
        "to_version": change.to_version.number,
        "fields": change.fields,
    }
    tell(
        "batch.passport_changed",
        brand_id=change.brand_id,
        batch_id=change.batch_id,
        actor=act.actor,
        data={**told, "reason": act.reason},
    )
    record(
        ActsFor(change.brand_id, act.actor),
        "mint_batch.passport_changed",
        "mint_batch",
        change.batch_id,
        reason=act.reason,
        before={"passport_version": change.from_version.number},
        after={**told, "passport_version": change.to_version.number},
        request=act.request_id,
    )
