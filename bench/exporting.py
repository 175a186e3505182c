"""Exporting, side by side with a bare COPY TO of the same twelve columns into the same store."""

import time
from statistics import median
from typing import Any
from uuid import UUID

import boto3
import psycopg
from botocore.config import Config

from bench.minting import finished, settle
from bench.system import System

PACK = 10_000
_SECONDS = """
select extract(epoch from build.finished_at - job.finished_at)::float8
  from exports_packbuild as build join minting_mintjob as job using (batch_id)
 where build.batch_id = %s
"""
_BARE = """
copy (
    select unit.ordinal, unit.token, coalesce(unit.serial, unit.token),
           batch.resolver_base || '/01/' || batch.gtin || '/21/' || unit.token,
           batch.gtin, batch.sku, null,
           case unit.status when 0 then 'minted' when 1 then 'active' else 'revoked' end,
           batch.activation_mode, batch.id, batch.production_ref, unit.created_at
      from minting_mintunit as unit join minting_mintbatch as batch on batch.id = unit.batch_id
     where unit.batch_id = {batch} and unit.ordinal between {first} and {last}
     order by unit.ordinal
) to stdout (format csv, header)
"""


def against_copy(system: System, *, units: int, rounds: int) -> tuple[float, float, float]:
    """Return rows per second, their ratio to the bare COPY, and mint and export seconds together.

    An export's time runs from the completion of the job to the completion of the build: the
    doorbell is part of it.
    """
    exported, bare, both = [], [], []
    with system.superuser() as superuser:
        for _ in range(rounds):
            settle(superuser)
            minted, batch_id = finished(superuser, system.submit(units)["mint_job_id"])
            settle(superuser)
            row = superuser.execute(_SECONDS, [batch_id]).fetchone()
            exported.append(float((row or (0,))[0]))
            both.append(minted + exported[-1])
            bare.append(_bare_copy(system, superuser, batch_id, units))
    seconds = median(exported)
    return units / seconds, median(bare) / seconds, median(both)


def _bare_copy(
    system: System, superuser: "psycopg.Connection[Any]", batch_id: UUID, units: int
) -> float:
    environment = system.stack.environment()
    store = boto3.client(
        "s3",
        endpoint_url=environment["S3_ENDPOINT_URL"],
        aws_access_key_id=environment["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["S3_SECRET_ACCESS_KEY"],
        region_name=environment["S3_REGION"],
        config=Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )
    began = time.perf_counter()
    for first in range(1, units + 1, PACK):
        statement = _BARE.format(
            batch=f"'{batch_id}'", first=first, last=min(first + PACK - 1, units)
        )
        with superuser.cursor() as cursor, cursor.copy(statement) as rows:
            body = b"".join(bytes(block) for block in rows)
        store.put_object(
            Bucket=environment["S3_BUCKET"], Key=f"bench/{batch_id}/{first}.csv", Body=body
        )
    return time.perf_counter() - began
