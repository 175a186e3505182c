"""Celery entry points of the resolver's upkeep."""

from celery import shared_task

from resolver import rollup


@shared_task(name="resolver.count_activations")
def count_activations() -> None:
    """Count first scans into their batches."""
    rollup.count_activations()
