"""Asks for documents: for each passport version once it is first minted, and whenever wanted.

What is written here is a row that waits; ``minting/metadata/pinning.py`` does the rest.
"""

from contextlib import suppress
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from minting import pipeline
from minting.metadata.composing import COMPOSED, Unsound, compose, put_into
from minting.models import MetadataDocument, MintBatch, PassportVersion, Product
from minting.states import MetadataStatus
from tieback.brands.audit import Actor, record
from tieback.errors import Conflict, FieldError, NotFound, TiebackError, ValidationFailed

PIN = "minting.pin"
#: What the audit trail calls a document.
TARGET = "metadata_document"
# Others may take a product's next number as often as this before a caller gives up.
_TRIES = 50

# The first documents of the versions that batches were minted with and show now. Which number is
# next and whether there is a document are read at one moment; whoever writes that number meanwhile
# is waited for.
_FIRST = """
insert into minting_metadatadocument
    (id, brand_id, product_id, passport_version_id, number, status, driver, reason, actor, sha256,
     consecutive_errors, last_error)
select gen_random_uuid(), shown.brand_id, shown.product_id, shown.version_id,
       coalesce((select max(number) from minting_metadatadocument as earlier
                  where earlier.product_id = shown.product_id), 0) + 1,
       'pending', '', '', '', '', 0, ''
  from (select distinct brand_id, product_id, version.id as version_id
          from minting_mintbatch as batch
         cross join lateral (values (passport_version_id), (shown_version_id)) as version (id)
         where batch.id = any(%(batches)s) and version.id is not null) as shown
 where not exists (select from minting_metadatadocument as known
                    where known.passport_version_id = shown.version_id)
on conflict do nothing
"""
# One version a product: the next ones get the next numbers when this is asked again.
_MISSED = """
select distinct on (batch.product_id) batch.id
  from minting_mintbatch as batch
 cross join lateral (values (passport_version_id), (shown_version_id)) as version (id)
 where batch.status = 'minted' and version.id is not null
   and not exists (select from minting_metadatadocument as known
                    where known.passport_version_id = version.id)
 order by batch.product_id, batch.minted_at, batch.id
 limit %s
"""


class MetadataInvalid(TiebackError):
    """The document may not be pinned as it would be; every fault is listed with its remedy."""

    code = "METADATA_INVALID"
    status = 422


def queue_for(*, brand_id: UUID, batch_id: UUID, quantity: int) -> None:
    """Ask for the document of a batch's passport version, in the transaction that completes it.

    Does nothing where the version has one. It is composed later: whatever is wrong with it must
    not keep a batch from being minted. Should others take each number first, the hourly search
    finds the version.
    """
    queue_shown(batch_id)


def queue_shown(batch_id: UUID) -> None:
    """Ask for the document of what a batch's passports show, in the caller's transaction."""
    shown = MintBatch.objects.filter(pk=batch_id).values("shown_version")
    known = MetadataDocument.objects.filter(passport_version__in=shown)
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(_FIRST, {"batches": [batch_id]})
            if cursor.rowcount or known.exists():
                return


def queue_missed(at_most: int) -> int:
    """Ask for documents of versions that were minted without; return of how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MISSED, [at_most])
        missed = [row[0] for row in cursor.fetchall()]
        cursor.execute(_FIRST, {"batches": missed})
        return int(cursor.rowcount)


@transaction.atomic
def ask_for(
    author: Actor, product_id: UUID, *, number: int | None, reason: str, request: object
) -> MetadataDocument:
    """Return the document of a passport version as the rows are now, made or let go on if need be.

    ``number`` is the version's, or None for the present one. What says the same as the newest
    document of the version is no new one. Runs in the brand's scope. Raises ``NotFound``,
    ``ValidationFailed`` and ``MetadataInvalid``, having written nothing.
    """
    version = _version(product_id, number)
    newest = _newest(version)
    try:
        document = _kept(newest, version) if newest else None
        was_there = document is not None and document.status != MetadataStatus.FAILED
        document = document or _added(author, version, newest, reason)
    except Unsound as error:
        faults = (FieldError(one.field, "INVALID", one.message) for one in error.problems)
        raise MetadataInvalid(fields=tuple(faults)) from error
    if document.status == MetadataStatus.FAILED:
        _let_go_on(document)
    if not was_there:
        _tell(author, document, version, reason, request)
    if document.status == MetadataStatus.PENDING:
        transaction.on_commit(lambda: pipeline.ring_step(PIN, document.pk))
    return document


def _version(product_id: UUID, number: int | None) -> PassportVersion:
    """Return a version of a product that is held until the end: its documents come one by one."""
    held = Product.objects.select_for_update(no_key=True).filter(pk=product_id).first()
    if held is None:
        raise NotFound
    versions = PassportVersion.objects.select_related("product").filter(product=held)
    version = versions.filter(number=held.dpp_version if number is None else number).first()
    if version is None:
        message = f"The product's passport has no version {number}."
        raise ValidationFailed(fields=(FieldError("passport_version", "NOT_FOUND", message),))
    return version


def _newest(version: PassportVersion) -> MetadataDocument | None:
    rows = MetadataDocument.objects.select_for_update(no_key=True)
    return rows.filter(passport_version=version).order_by("-number").first()


def _kept(newest: MetadataDocument, version: PassportVersion) -> MetadataDocument | None:
    """Return the newest document where it says what is to be said, composed if it was not yet."""
    composed = compose(version, newest.number)
    if newest.cid is None:
        put_into(newest, composed)
        newest.save(update_fields=COMPOSED)
    return newest if newest.cid == composed.cid else None


def _added(
    author: Actor, version: PassportVersion, newest: MetadataDocument | None, reason: str
) -> MetadataDocument:
    """Add the next document of the product; a worker may add one of another version meanwhile."""
    of_product = MetadataDocument.objects.filter(product=version.product_id)
    for _ in range(_TRIES):
        number = (of_product.aggregate(last=Max("number"))["last"] or 0) + 1
        document = MetadataDocument(
            brand_id=version.brand_id,
            product_id=version.product_id,
            passport_version=version,
            number=number,
            replaces=newest,
            reason=reason,
            actor=author.actor,
        )
        put_into(document, compose(version, number))
        with suppress(IntegrityError), transaction.atomic():
            document.save(force_insert=True)
            return document
    raise Conflict


def _let_go_on(document: MetadataDocument) -> None:
    document.status = MetadataStatus.PENDING
    document.consecutive_errors, document.next_attempt_at = 0, None
    document.save(update_fields=("status", "consecutive_errors", "next_attempt_at"))


def _tell(
    author: Actor,
    document: MetadataDocument,
    version: PassportVersion,
    reason: str,
    request: object,
) -> None:
    after = {
        "product_id": str(document.product_id),
        "passport_version": version.number,
        "number": document.number,
        "cid": document.cid,
    }
    record(
        author,
        "metadata_document.asked",
        TARGET,
        document.pk,
        reason=reason,
        after=after,
        request=request,
    )
