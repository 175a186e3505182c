"""A bucket of their own for the proofs."""

import os
from collections.abc import Iterator

import pytest
from django.test import override_settings

from exports import storage

BUCKET = f"test-reliability-{os.getpid()}"


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """Make a bucket for this run, and remove it."""
    with override_settings(S3_BUCKET=BUCKET):
        storage.ensure_bucket()
        yield BUCKET
        made = storage.PackStorage().bucket
        made.objects.all().delete()
        made.delete()
