"""Celery entry points of the resolver's upkeep."""

from celery import shared_task

from resolver import rollup, scan_counts, scan_days, signal_search


@shared_task(name="resolver.count_activations")
def count_activations() -> None:
    """Count first scans into their batches."""
    rollup.count_activations()


@shared_task(name="resolver.count_scans")
def count_scans() -> None:
    """Count scans by the hour, then look through them for what does not look right."""
    if scan_counts.count_scans():
        signal_search.search_signals()


@shared_task(name="resolver.count_visitors")
def count_visitors() -> None:
    """Count the days that are not final: visitors, and people's scans."""
    scan_counts.count_open_days()


@shared_task(name="resolver.keep_scan_days")
def keep_scan_days() -> None:
    """Make the days ahead, and take away what no brand keeps any more."""
    scan_days.keep_days()
