"""Decides what one scan of a unit is, and activates the unit where it is a person's first."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from resolver.activation import activate
from resolver.database import Unavailable
from resolver.finding import NOTHING, Finding, TagVerdict
from resolver.lookup import ScannedUnit, note_unit
from resolver.private_query import PrivateQuery
from resolver.recording import Scan
from resolver.staff_scans import LinkRefused, check
from resolver.tags import judge
from resolver.traffic import TrafficClass

# A reader's app may be unknown here; whoever it is, its tap is one. What only loads ahead must not
# use up the message of the tap that follows.
_TAPS = (TrafficClass.PERSON, TrafficClass.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one scan is: what its page is told, and how it is counted in the metrics."""

    finding: Finding
    outcome: str = "redirected"


# Nearly every scan.
_ORDINARY = Seen(NOTHING)


def look(brand: UUID, unit: ScannedUnit, private: PrivateQuery, scan: Scan) -> Seen:
    """Return what the scan of a unit is. Raises ``LinkRefused`` or ``Unavailable``."""
    if private.test_link is not None:
        _check_test(brand, unit, private.test_link, scan)
        return Seen(Finding(is_test=True), "tested")
    verdict = judge(brand, unit.id, private.tag) if private.tag and scan.traffic in _TAPS else None
    if scan.traffic is TrafficClass.PERSON and unit.awaits_first_scan:
        return _first(brand, unit, verdict, scan)
    return Seen(Finding(tag=verdict)) if verdict else _ORDINARY


def _check_test(brand: UUID, unit: ScannedUnit, test_link: str, scan: Scan) -> None:
    """Raise ``LinkRefused`` where staff did not make the link; the scan is written down then."""
    try:
        check(unit.token, test_link, settings.TIEBACK_TEST_LINK_PUBLIC_KEYS)
    except LinkRefused:
        if scan.traffic is TrafficClass.PERSON and unit.awaits_first_scan:
            note_unit(brand, unit, scan)
        raise


def _first(brand: UUID, unit: ScannedUnit, verdict: TagVerdict | None, scan: Scan) -> Seen:
    """Activate, unless the tag's message is against it.

    A unit that is locked elsewhere still shows its passport; the next scan tries again. What the
    activation does not write down of the scan is written here.
    """
    outcome = "redirected"
    if verdict is None or verdict.lets_activate:
        try:
            is_first = activate(unit.id, scan)
        except Unavailable:
            outcome = "activation_failed"
        else:
            outcome = "activated" if is_first else "redirected"
            return Seen(Finding(is_first_scan=is_first, tag=verdict), outcome)
    note_unit(brand, unit, scan)
    return Seen(Finding(tag=verdict), outcome)
