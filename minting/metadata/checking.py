"""Looks whether a pinned document is still where it was pinned, and is what it was."""

from enum import StrEnum

import structlog

from minting.metadata.asking import TARGET
from minting.metadata.cid import is_cid_of
from minting.metadata.drivers.choosing import driver_named
from minting.models import MetadataDocument
from minting.revocations import Act
from minting.states import MetadataStatus
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope
from tieback.errors import Missing, PermanentError, TransientError

log = structlog.get_logger(__name__)


class Finding(StrEnum):
    """What became of a pin."""

    SOUND = "sound"
    GONE = "gone"
    CHANGED = "changed"
    NOT_ASKED = "not asked"
    UNREACHABLE = "unreachable"


def check_pin(document: MetadataDocument) -> Finding:
    """Fetch the bytes from where the document was pinned, and compare them with its CID.

    Only what is pinned is asked for. The log says why a place could not be reached.
    """
    if document.status != MetadataStatus.PINNED:
        return Finding.NOT_ASKED
    cid, _ = document.composed
    try:
        content = driver_named(document.driver).fetch(cid)
    except Missing:
        return Finding.GONE
    except (TransientError, PermanentError) as error:
        log.warning("pin_not_checked", metadata_document_id=str(document.pk), error=str(error))
        return Finding.UNREACHABLE
    return Finding.SOUND if is_cid_of(cid, content) else Finding.CHANGED


def pin_again(document: MetadataDocument, act: Act) -> bool:
    """Pin what is pinned once more, at the same place; return whether it is kept there now."""
    if document.status != MetadataStatus.PINNED:
        return False
    cid, content = document.composed
    driver = driver_named(document.driver)
    try:
        driver.pin(cid, content)
        is_kept = driver.holds(cid)
    except (TransientError, PermanentError) as error:
        log.warning("not_pinned_again", metadata_document_id=str(document.pk), error=str(error))
        return False
    if is_kept:
        with brand_scope(document.brand_id):
            record(
                ActsFor(document.brand_id, act.actor),
                "metadata_document.pinned_again",
                TARGET,
                document.pk,
                after={"driver": document.driver},
                request=act.request_id,
            )
    return is_kept
