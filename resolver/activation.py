"""The first scan makes a unit active: once, however many phones ask at the same moment."""

from minting.states import ChainMode, Priority
from resolver.database import WAIT, NotWritten, fetch_one
from resolver.lookup import IS_OPEN
from resolver.recording import AS_COLUMNS, Scan, unrecorded, writing

# The row lock lets one scan through; the next then sees status 1 and changes nothing. Whether the
# batch is open is asked here too, so that no scan activates what is being minted or waits for its
# release. The commit waits for the disk whatever the role's setting, because this happens once in a
# unit's life. The scan is written down with it, whether it was the first or came a moment too late.
# Where the batch has its assets made on first scans, the wish for the unit's is written here too: a
# scan that activates nothing, a bot's for instance, wishes for nothing, and nobody spends here.
_ACTIVATE = f"""
with found as (
    select unit.brand_id, unit.batch_id, unit.id as unit_id, unit.status,
           %(is_noted)s::boolean as is_noted,
           version.category = any(%(counted_only)s) as counted_only, {AS_COLUMNS}
      from minting_mintunit as unit
      join minting_mintbatch as batch on batch.id = unit.batch_id
      join minting_passportversion as version on version.id = batch.passport_version_id
     where unit.id = %(unit)s
), first as (
    update minting_mintunit as unit set status = 1, activated_at = now()
      from minting_mintbatch as batch
     where unit.id = %(unit)s and unit.status = 0 and batch.id = unit.batch_id and {IS_OPEN}
    returning unit.id, unit.brand_id, unit.batch_id, batch.chain_mode, batch.chain_network,
              batch.leaf_owner
), recorded as (
    insert into resolver_activation (brand_id, batch_id, unit_id, activated_at)
    select brand_id, batch_id, id, now() from first
), wished as (
    insert into minting_unitasset (brand_id, unit_id, batch_id, owner, network, priority)
    select brand_id, id, batch_id, leaf_owner, chain_network, {Priority.STANDARD.value}
      from first where chain_mode = '{ChainMode.CNFT_ON_FIRST_SCAN.value}'
    on conflict (unit_id) do nothing
), noted as ({writing(is_first="exists (select from first)")}
)
select {WAIT} from first
"""  # noqa: S608 - constants only


def activate(unit_id: int, scan: Scan) -> bool:
    """Make a unit active; True for the one scan that did, and whose batch is open.

    Where the scan cannot be written down, a day without a partition for instance, the unit becomes
    active all the same. Raises ``Unavailable``.
    """
    known = {"unit": unit_id, "counted_only": scan.counted_only, **scan.named}
    if scan.is_recorded:
        try:
            return fetch_one(_ACTIVATE, {**known, "is_noted": True}) is not None
        except NotWritten:
            unrecorded.inc()
    return fetch_one(_ACTIVATE, {**known, "is_noted": False}) is not None
