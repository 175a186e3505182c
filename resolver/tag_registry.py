"""Puts NFC tags on units: what the brand's staff says, and nothing that a scan shows.

A tag that is known keeps its counter whatever unit it is put on, so that a message of before is
never taken again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from minting.revocations import Act
from tieback.brands.audit import ActsFor, record
from tieback.errors import FieldError, ValidationFailed

MOST_TAGS = 10_000
#: So many tags that were moved are named in the audit trail; the hash covers all.
_MOST_NAMED = 100

# One registration at a time a brand: what was examined is what is then written.
_HOLD = "select pg_advisory_xact_lock(hashtextextended('tieback.tags:' || %s, 0))"
_GIVEN = """
with given as (
    select uids.uid, tokens.token, at
      from string_to_table(%(uids)s, ',') with ordinality as uids (uid, at)
      join string_to_table(%(tokens)s, ',') with ordinality as tokens (token, at) using (at)
)
"""
_EXAMINE = f"""{_GIVEN}
select at - 1, given.uid, unit.id is null, tag.id is not null, tag.unit_id <> unit.id
  from given
  left join minting_mintunit as unit on unit.token = given.token
  left join resolver_tag as tag on tag.uid = given.uid
 order by at
"""  # noqa: S608 - constants only
_WRITE = f"""{_GIVEN}
insert into resolver_tag (brand_id, uid, unit_id)
select %(brand)s, given.uid, unit.id
  from given join minting_mintunit as unit on unit.token = given.token
 order by given.uid
    on conflict (brand_id, uid) do update set unit_id = excluded.unit_id
 where resolver_tag.unit_id <> excluded.unit_id
"""  # noqa: S608 - constants only


@dataclass(frozen=True)
class Registered:
    """How many tags are new, sit on another unit now, and were as they should be."""

    registered: int
    moved: int
    unchanged: int


class _Known(NamedTuple):
    """One of the given tags beside what is known."""

    at: int
    uid: str
    is_unit_unknown: bool
    is_tag_known: bool
    is_elsewhere: bool | None


@transaction.atomic
def register_tags(
    *, brand_id: UUID, tags: Sequence[tuple[str, str]], move: bool, act: Act
) -> Registered:
    """Put tags, by UID in capitals, on units, by token; all of them or, with every fault, none.

    A tag that sits on another unit is a fault unless it is to ``move``. Raises
    ``ValidationFailed``.
    """
    given: dict[str, Any] = {
        "brand": str(brand_id),
        "uids": ",".join(uid for uid, _ in tags),
        "tokens": ",".join(token for _, token in tags),
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [str(brand_id)])
        cursor.execute(_EXAMINE, given)
        known = [_Known._make(row) for row in cursor.fetchall()]
        faults = _faults(known, move=move)
        if faults:
            raise ValidationFailed(fields=faults)
        cursor.execute(_WRITE, given)
    moved = [one.uid for one in known if one.is_elsewhere]
    new = sum(not one.is_tag_known for one in known)
    done = Registered(new, len(moved), len(known) - new - len(moved))
    if new or moved:
        _record(brand_id, tags, done, moved, act)
    return done


def _faults(known: Sequence[_Known], *, move: bool) -> tuple[FieldError, ...]:
    found: list[FieldError] = []
    first: dict[str, int] = {}
    for one in known:
        of_uid = f"tags[{one.at}].uid"
        if first.setdefault(one.uid, one.at) != one.at:
            found.append(FieldError(of_uid, "NOT_UNIQUE", "This tag is named twice."))
        elif one.is_unit_unknown:
            message = "There is no such unit in this workspace."
            found.append(FieldError(f"tags[{one.at}].token", "NOT_FOUND", message))
        elif one.is_elsewhere and not move:
            message = "This tag sits on another unit. Send move: true to put it on this one."
            found.append(FieldError(of_uid, "TAKEN", message))
    return tuple(found)


def _record(
    brand_id: UUID, tags: Sequence[tuple[str, str]], done: Registered, moved: list[str], act: Act
) -> None:
    listed = "".join(f"{uid},{token}\n" for uid, token in sorted(tags))
    record(
        ActsFor(brand_id, act.actor),
        "tags.registered",
        "brand",
        brand_id,
        after={
            "registered": done.registered,
            "moved": done.moved,
            "unchanged": done.unchanged,
            "moved_tags": moved[:_MOST_NAMED],
            "sha256": sha256(listed.encode()).hexdigest(),
        },
        request=act.request_id,
    )
