"""Deletes kept answers that have expired, a few at a time, beside requests that still come in."""

from django.db import connection, transaction

BATCH = 1_000
BATCHES_A_ROUND = 50

# Rows that a request is replacing at this moment are passed over.
_DELETE = """
with expired as materialized (
    select id from api_keptanswer
     where expires_at <= now()
     order by expires_at
     limit %s
       for update skip locked
)
delete from api_keptanswer using expired where api_keptanswer.id = expired.id
"""


def delete_expired_answers(*, batch: int = BATCH, rounds: int = BATCHES_A_ROUND) -> int:
    """Delete up to ``rounds`` batches, each in its own transaction; return how many rows went."""
    deleted = 0
    for _ in range(rounds):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_DELETE, [batch])
            found = cursor.rowcount
        deleted += found
        if found < batch:
            break
    return deleted
