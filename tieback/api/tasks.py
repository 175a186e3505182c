"""Celery entry points of the API's upkeep."""

from celery import shared_task

from tieback.api import expiry


@shared_task(name="api.delete_expired_answers")
def delete_expired_answers() -> None:
    """Delete answers that are no longer repeated."""
    expiry.delete_expired_answers()
