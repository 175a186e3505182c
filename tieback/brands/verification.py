"""Recomputes the sealed audit trail and names what was altered, removed or inserted.

Everything is hashed anew from the rows by the statements below; nothing of the database's own
functions is believed. A chain proves itself up to its last seal: a chain cut off at its end, seals
and entries together, shows only against a seal's hash noted elsewhere (``contains``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

MOST_LISTED = 1000

# One snapshot for all questions, however long they take: sealing goes on meanwhile. The planner
# cannot know how many entries a seal lists: taken for a few, they would be looked up one by one in
# each other, so it is told to hash or sort them, and that all of the answer is wanted.
_SNAPSHOT = """
    set transaction isolation level repeatable read, read only;
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    set local enable_nestloop = off;
    set local cursor_tuple_fraction = 1;
    set local work_mem = '64MB';
"""

ENTRY_HASH = """
    sha256(convert_to(jsonb_build_array(
        e.id, e.brand_id, e.actor, e.action, e.target_type, e.target_id, e.reason,
        e.before, e.after, e.request_id,
        (extract(epoch from e.created_at) * 1000000)::bigint)::text, 'UTF8'))
"""

SEAL_HASH = """
    sha256(s.previous_hash
           || convert_to(jsonb_build_array(
                  'tieback seal 1', s.brand_id, s.sequence, s.count,
                  (extract(epoch from s.sealed_at) * 1000000)::bigint)::text, 'UTF8')
           || convert_to(array_to_string(s.entry_ids, ','), 'UTF8')
           || (select coalesce(string_agg(h, ''::bytea order by n), '')
                 from unnest(s.entry_hashes) with ordinality as hashes (h, n)))
"""

_OF_BRAND = "(%(all)s or {table}.brand_id is not distinct from %(brand)s)"
_OF_SEALS, _OF_ENTRIES = _OF_BRAND.format(table="s"), _OF_BRAND.format(table="e")

# A seal whose content is not what it says, or that does not follow the one before it.
_BROKEN_SEALS = f"""
    with seals as materialized (
        select s.brand_id, s.sequence, s.hash, s.previous_hash,
               {SEAL_HASH} = s.hash
                 and s.count = cardinality(s.entry_ids)
                 and s.first_entry = s.entry_ids[1]
                 and s.last_entry = s.entry_ids[s.count] as is_whole
          from brands_auditseal s where {_OF_SEALS}
    ), linked as (
        select *, lag(sequence, 1, 0::bigint) over chain as sequence_before,
               lag(hash, 1, decode(repeat('00', 32), 'hex')) over chain as hash_before
          from seals window chain as (partition by brand_id order by sequence)
    )
    select case when not is_whole then 'seal_altered'
                when sequence <> sequence_before + 1 then 'seal_removed'
                else 'chain_broken' end,
           brand_id, null::bigint, sequence
      from linked
     where not is_whole or sequence <> sequence_before + 1 or previous_hash <> hash_before
     order by brand_id, sequence
"""  # noqa: S608 - made of the constants above

_CHANGED_ENTRIES = f"""
    select case when e.id is null then 'removed' else 'altered' end,
           s.brand_id, sealed.entry_id, s.sequence
      from brands_auditseal s
     cross join lateral unnest(s.entry_ids, s.entry_hashes) as sealed (entry_id, entry_hash)
      left join brands_auditentry e on e.id = sealed.entry_id
     where {_OF_SEALS}
       and (e.id is null or {ENTRY_HASH} is distinct from sealed.entry_hash)
     order by sealed.entry_id
"""  # noqa: S608 - as above

# Whoever writes an entry has it wait for its seal; one that does neither was slipped in.
_STRAY_ENTRIES = f"""
    select 'inserted', e.brand_id, e.id, null::bigint
      from brands_auditentry e
     where {_OF_ENTRIES}
       and not exists (select from brands_unsealedentry u where u.entry_id = e.id)
       and not exists (select from (select unnest(s.entry_ids) as entry_id
                                      from brands_auditseal s where {_OF_SEALS}) sealed
                        where sealed.entry_id = e.id)
     order by e.id
"""  # noqa: S608 - as above

_CHAINS = f"""
    select distinct on (s.brand_id) s.brand_id, b.slug, s.sequence, s.hash,
           sum(s.count) over (partition by s.brand_id)
      from brands_auditseal s left join brands_brand b on b.id = s.brand_id
     where {_OF_SEALS}
     order by s.brand_id, s.sequence desc
"""  # noqa: S608 - as above

_WAITING = f"""
    select count(*) from brands_unsealedentry u
      join brands_auditentry e on e.id = u.entry_id where {_OF_ENTRIES}
"""  # noqa: S608 - as above

_HOLDS = f"select exists (select from brands_auditseal s where {_OF_SEALS} and s.hash = %(hash)s)"  # noqa: S608


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed."""

    kind: str
    brand: str | None
    entry: int | None = None
    seal: int | None = None
    hash: str | None = None


@dataclass(frozen=True)
class Chain:
    """What a chain holds, and the hash at its end: worth noting elsewhere."""

    brand: str | None
    slug: str | None
    seals: int
    entries: int
    head: str


@dataclass
class Report:
    """What was found. ``waiting`` entries have no seal yet and can say nothing."""

    chains: list[Chain] = field(default_factory=list)
    waiting: int = 0
    findings: list[Finding] = field(default_factory=list)
    findings_omitted: int = 0

    @property
    def ok(self) -> bool:
        """Say whether everything sealed is as it was."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {"ok": self.ok, **asdict(self)}


def verify_audit(
    *, brand_id: UUID | None = None, everything: bool = True, contains: Iterable[str] = ()
) -> Report:
    """Verify all chains, or with ``everything`` false the chain of ``brand_id`` alone.

    ``contains`` are hashes of seals that must be there.
    """
    wanted: dict[str, Any] = {"all": everything, "brand": brand_id}
    report = Report()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT)
            cursor.execute(_CHAINS, wanted)
            report.chains = [
                Chain(_text(row[0]), row[1], row[2], int(row[4]), bytes(row[3]).hex())
                for row in cursor.fetchall()
            ]
            cursor.execute(_WAITING, wanted)
            report.waiting = cursor.fetchone()[0]
        for finding in _findings(wanted, contains):
            if len(report.findings) < MOST_LISTED:
                report.findings.append(finding)
            else:
                report.findings_omitted += 1
    return report


def _findings(wanted: dict[str, Any], contains: Iterable[str]) -> Iterator[Finding]:
    for query in (_BROKEN_SEALS, _CHANGED_ENTRIES, _STRAY_ENTRIES):
        # On the server's side: a trail that was emptied finds as many faults as it had entries.
        with connection.chunked_cursor() as cursor:
            cursor.execute(query, wanted)
            for kind, brand_id, entry, sequence in cursor:
                yield Finding(kind, _text(brand_id), entry, sequence)
    for noted in contains:
        with connection.cursor() as cursor:
            cursor.execute(_HOLDS, {**wanted, "hash": bytes.fromhex(noted)})
            if not cursor.fetchone()[0]:
                yield Finding("noted_seal_missing", _text(wanted["brand"]), hash=noted)


def _text(brand_id: UUID | None) -> str | None:
    return str(brand_id) if brand_id else None
