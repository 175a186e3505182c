"""The first scan makes a unit active: once, however many phones ask at the same moment."""

from resolver.database import fetch_one

# The row lock lets one scan through; the next then sees status 1 and changes nothing. The commit
# waits for the disk whatever the role's setting, because this happens once in a unit's life.
_ACTIVATE = """
with first as (
    update minting_mintunit set status = 1, activated_at = now()
     where id = %s and status = 0
    returning id, brand_id, batch_id
), recorded as (
    insert into resolver_activation (brand_id, batch_id, unit_id, activated_at)
    select brand_id, batch_id, id, now() from first
)
select set_config('synchronous_commit', 'on', true) from first
"""


def activate(unit_id: int) -> bool:
    """Make a minted unit active; True for the one scan that did. Raises ``Unavailable``."""
    return fetch_one(_ACTIVATE, (unit_id,)) is not None
