"""Pins the documents that wait, one a step, and tries again where a place fails.

A step holds no row and no transaction while it talks to a place: that may take longer than the
database lets a transaction stand idle, and nothing depends on being alone. Pinning the same bytes
twice changes nothing, so a claim is no more than putting off the next attempt: whoever comes later
takes another document, and one whose worker has died is due again after ``HOLD_SECONDS``.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from minting.crashpoints import reach
from minting.interruptions import LONGEST_ERROR, describe, first_wait, is_interruption
from minting.metadata.composing import COMPOSED, compose, put_into
from minting.metadata.drivers.choosing import chosen_driver
from minting.metadata.drivers.interface import PinningDriver, ToldToWait
from minting.models import MetadataDocument
from minting.states import MetadataStatus
from tieback.brands.scoping import brand_scope
from tieback.errors import PermanentError, TransientError

log = structlog.get_logger(__name__)

# Longer than a task takes as a rule, so that nobody else begins what is still under way.
HOLD_SECONDS = 300.0
# While a place is away or busy, waits of at most five minutes add up to about four hours.
OUTAGE_ATTEMPTS = 50

# Of any brand, hence before its scope is entered. What is due is found apart, and so once: within
# the update a plan may look for it once for each document, and each time would find the next.
_CLAIM = """
with due as materialized (
    select id from minting_metadatadocument
     where status = 'pending'
       and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
     order by created_at, id
       for no key update skip locked
     limit 1
)
update minting_metadatadocument as document
   set next_attempt_at = clock_timestamp() + make_interval(secs => %s)
  from due
 where document.id = due.id
returning document.id, document.brand_id
"""
_OLDEST = """
select id from minting_metadatadocument
 where status = 'pending' and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
 order by created_at, id limit 1
"""
# The count and the verdict are one statement.
_RECORD_ERROR = """
with counted as (
    select id, consecutive_errors + 1 as errors,
           %(final)s or consecutive_errors + 1 >= %(allowed)s as failed
      from minting_metadatadocument
     where id = %(id)s and status = 'pending'
       for no key update
)
update minting_metadatadocument as document
   set consecutive_errors = counted.errors,
       last_error = %(error)s,
       status = case when counted.failed then 'failed' else status end,
       next_attempt_at = case when not counted.failed then clock_timestamp() + greatest(
           least(make_interval(secs => %(base)s * power(2, least(counted.errors - 1, 20))),
                 interval '5 minutes'),
           make_interval(secs => %(told)s)) end
  from counted
 where document.id = counted.id
returning document.status
"""


class Step(StrEnum):
    """How a step has ended."""

    NOTHING = "nothing"
    PINNED = "pinned"
    FAILED = "failed"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class _Claim:
    """A document whose next attempt was put off for the one that begins now."""

    id: UUID
    brand_id: UUID


def oldest_unfinished() -> UUID | None:
    """Return the document that waits longest, of any brand, and is due."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        row = cursor.fetchone()
    return row[0] if row else None


def work_next_step() -> Step:
    """Pin the oldest document of any brand that is due; return how that went.

    ``LATER`` means that the place is away or busy, or that something went wrong here; it is counted
    on the document, as what is refused for good is. A lost connection to the database is raised.
    """
    claim = _claim()
    if claim is None:
        return Step.NOTHING
    try:
        cid, content = _composed(claim)
        driver = chosen_driver()
        _pin(driver, cid, content)
        reach("metadata.pinned")
        _record(claim, driver)
        reach("metadata.recorded")
    except SoftTimeLimitExceeded:
        # The worker's patience is no fault of the document.
        raise
    except Exception as error:
        if is_interruption(error):
            raise
        log.exception("metadata_failed", metadata_document_id=str(claim.id))
        return _record_error(claim, error)
    return Step.PINNED


def _claim() -> _Claim | None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [HOLD_SECONDS])
        row = cursor.fetchone()
    return _Claim(*row) if row else None


def _composed(claim: _Claim) -> tuple[str, bytes]:
    """Return the document's CID and bytes, composed now if they never were."""
    with brand_scope(claim.brand_id):
        rows = MetadataDocument.objects.select_for_update(no_key=True, of=("self",))
        document = rows.select_related("passport_version__product").get(pk=claim.id)
        if document.cid is None:
            put_into(document, compose(document.passport_version, document.number))
            document.save(update_fields=COMPOSED)
        return document.composed


def _pin(driver: PinningDriver, cid: str, content: bytes) -> None:
    driver.pin(cid, content)
    if not driver.holds(cid):
        raise TransientError("the block was sent and is not listed as kept yet")


def _record(claim: _Claim, driver: PinningDriver) -> None:
    """Write down that the document is pinned, unless somebody else has."""
    with brand_scope(claim.brand_id):
        waiting = MetadataDocument.objects.filter(pk=claim.id, status=MetadataStatus.PENDING)
        waiting.update(
            status=MetadataStatus.PINNED,
            driver=driver.name,
            pinned_at=Now(),
            consecutive_errors=0,
            last_error="",
            next_attempt_at=None,
        )


def _record_error(claim: _Claim, error: Exception) -> Step:
    """Count one error in a row; on the last allowed one, and on a refusal, a person has to look."""
    is_outage = isinstance(error, TransientError)
    with brand_scope(claim.brand_id), connection.cursor() as cursor:
        cursor.execute(
            _RECORD_ERROR,
            {
                "id": claim.id,
                "error": describe(error)[:LONGEST_ERROR],
                "final": isinstance(error, PermanentError),
                "allowed": OUTAGE_ATTEMPTS if is_outage else int(settings.MAX_RETRIES),
                "base": first_wait(),
                "told": error.seconds if isinstance(error, ToldToWait) else 0.0,
            },
        )
        row = cursor.fetchone()
    return Step.FAILED if row and row[0] == MetadataStatus.FAILED else Step.LATER
