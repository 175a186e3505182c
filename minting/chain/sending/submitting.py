"""Handing submissions to the sender, all that a step has made of one batch at once."""

import json
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import connection

from minting.states import SubmissionKind

_SUBMIT = """
insert into minting_chainsubmission
    (id, brand_id, batch_id, kind, key, blockchain, network, payload, priority, status, attempts,
     fence, consecutive_errors, last_error)
select made.id, %(brand)s, %(batch)s, %(kind)s, made.key, 'solana', %(network)s, made.payload,
       %(priority)s, 'pending', 0, 0, 0, ''
  from unnest(%(ids)s::uuid[], %(keys)s::text[], %(payloads)s::jsonb[]) as made (id, key, payload)
"""


class Submission(Protocol):
    """What a transaction is to be made of, and what it is known by for ever."""

    @property
    def id(self) -> UUID:
        """The row's."""

    @property
    def key(self) -> str:
        """What it is known by."""

    @property
    def payload(self) -> dict[str, Any]:
        """All that its kind makes a transaction of."""


def submit(
    made: Sequence[Submission],
    *,
    brand_id: UUID,
    batch_id: UUID,
    kind: SubmissionKind,
    priority: int,
) -> None:
    """Write the submissions in one statement, in the caller's transaction and the brand's scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SUBMIT,
            {
                "brand": brand_id,
                "batch": batch_id,
                "kind": str(kind),
                "network": settings.SOLANA_NETWORK,
                "priority": priority,
                "ids": [one.id for one in made],
                "keys": [one.key for one in made],
                "payloads": [json.dumps(one.payload) for one in made],
            },
        )
