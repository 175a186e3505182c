"""Takes away everything that is stored of a brand's scans, save what was counted of them."""

from dataclasses import dataclass
from uuid import UUID

from resolver.models import ScanSignal
from resolver.scan_counts import count_scans, nobody_else_counts
from resolver.scan_days import days_of_events, delete_events
from resolver.signal_search import nobody_else_searches
from tieback.brands.audit import ActsFor, record
from tieback.brands.scoping import brand_scope


@dataclass(frozen=True)
class Erased:
    """How much there was."""

    events: int
    signals: int


def erase_scans(brand_id: UUID, *, reason: str) -> Erased:
    """Delete a brand's events and signals, and say so in its audit trail.

    Figures stay, those of scans too that no worker had counted yet, but for those of the hour that
    is not final and the visitors of the day under way, which begin anew.
    The trail tells that it began before anything is gone, and how much went when it is done.
    """
    author = ActsFor(brand_id, "system:erase_scans")
    with brand_scope(brand_id):
        record(author, "scans.erasure_begun", "brand", brand_id, reason=reason)
    while not count_scans():
        with nobody_else_counts():
            pass  # Somebody else did, perhaps before the newest were there.
    events = sum(delete_events(day, [brand_id]) for day in days_of_events())
    # A look that has read the events before they went would bring their signals back.
    with brand_scope(brand_id), nobody_else_searches():
        signals, _ = ScanSignal.objects.all().delete()
        record(
            author,
            "scans.erased",
            "brand",
            brand_id,
            before={"events": events, "signals": signals},
            reason=reason,
        )
    return Erased(events, signals)
