"""Judges a tag's message about a unit, and counts its taps so that no message is taken twice."""

from uuid import UUID

from django.conf import settings

from resolver.database import WAIT, fetch_one
from resolver.finding import TagVerdict
from resolver.sun import NotAuthentic, Unreadable, parse, verify
from tieback.metrics import TAGS

# Of two scans with one message the row lock lets one through; the other then sees the counter and
# changes nothing. On disk before it is answered, like an activation: a crash must not make an old
# message new.
_TAKE = f"""
with known as (
    select id, unit_id from resolver_tag where brand_id = %(brand)s and uid = %(uid)s
), taken as (
    update resolver_tag as tag set last_counter = %(counter)s, last_tap_at = now()
      from known
     where tag.id = known.id and known.unit_id = %(unit)s
       and coalesce(tag.last_counter, -1) < %(counter)s
    returning tag.id
)
select known.unit_id = %(unit)s,
       (select {WAIT} from taken) is not null
  from known
"""  # noqa: S608 - constants only


def judge(brand: UUID, unit_id: int, written: tuple[tuple[str, str], ...]) -> TagVerdict:
    """Return what the names and values a tag wrote show of a unit. Raises ``Unavailable``."""
    verdict = _verdict(brand, unit_id, written)
    TAGS.labels(verdict.value).inc()
    return verdict


def _verdict(brand: UUID, unit_id: int, written: tuple[tuple[str, str], ...]) -> TagVerdict:
    keys = settings.TIEBACK_TAG_KEYS.get(brand)
    if not keys:
        return TagVerdict.UNCHECKED
    try:
        tap = verify(parse(written), keys)
    except Unreadable:
        return TagVerdict.UNREADABLE
    except NotAuthentic:
        return TagVerdict.FORGED
    asked = {"brand": brand, "uid": tap.uid, "unit": unit_id, "counter": tap.counter}
    row = fetch_one(_TAKE, asked)
    if row is None:
        return TagVerdict.UNKNOWN_TAG
    is_of_unit, is_new = row
    if not is_of_unit:
        return TagVerdict.OTHER_UNIT
    return TagVerdict.GENUINE if is_new else TagVerdict.REPLAYED
