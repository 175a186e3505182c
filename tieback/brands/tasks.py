"""Celery entry points of the brands' upkeep."""

from celery import shared_task

from tieback.brands import sealing


@shared_task(name="brands.seal_audit")
def seal_audit() -> None:
    """Seal the audit entries that wait."""
    sealing.seal_audit()
