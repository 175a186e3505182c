"""What one would write without thinking: model objects and ``bulk_create``, in the same cycles.

Runs in a process of its own, as the worker's role and under the same row-level security; prints
the seconds it took.
"""

import os
import sys
import time
from uuid import UUID

import django

CYCLE = 20_000


def main(units: int, brand_id: UUID) -> None:
    """Insert ``units`` rows into a batch of the brand and print the seconds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
    django.setup()
    from minting.models import MintBatch, MintUnit
    from minting.serials import generate_tokens
    from tieback.brands.scoping import brand_scope

    with brand_scope(brand_id):
        batch = MintBatch.objects.order_by("-created_at")[0]
        last = MintUnit.objects.filter(batch=batch).order_by("-ordinal")[0].ordinal
    began = time.perf_counter()
    for done in range(0, units, CYCLE):
        with brand_scope(brand_id):
            MintUnit.objects.bulk_create(
                MintUnit(
                    brand_id=brand_id,
                    product_id=batch.product_id,
                    batch_id=batch.id,
                    ordinal=last + done + number,
                    token=token,
                )
                for number, token in enumerate(generate_tokens(min(CYCLE, units - done)), 1)
            )
    sys.stdout.write(f"{time.perf_counter() - began}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), UUID(sys.argv[2]))
