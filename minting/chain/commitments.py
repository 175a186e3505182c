"""What is asked for on a chain and not paid yet: submissions that wait or are on their way."""

from uuid import UUID

from django.db import connection

from minting.chain.prices import LAMPORTS_PER_SIGNATURE, PROTOCOL_FEES

# A submission is a transaction of one signature; one that makes something says what else that
# takes, or has assets of a tree whose version has a fee. Priority fees are
# not known before it is signed.
_FEES = " ".join(f"when '{version}' then {fee}" for version, fee in PROTOCOL_FEES.items())
_EXPECTED = f"""
select coalesce(sum(
           {LAMPORTS_PER_SIGNATURE}
           + coalesce((payload ->> 'lamports')::bigint, 0)
           + case when jsonb_typeof(payload -> 'mints') = 'array'
                  then jsonb_array_length(payload -> 'mints')
                       * case payload ->> 'schema' {_FEES} end
                  else 0 end
       ), 0)::bigint
  from minting_chainsubmission
 where status in ('pending', 'sent')
"""  # noqa: S608 - constants only
_OF_BRAND = f"{_EXPECTED} and brand_id = %s"
_OF_NETWORK = f"{_EXPECTED} and network = %s"


def committed_by(brand_id: UUID) -> int:
    """Return the lamports that what a brand has asked for will take, on any network."""
    return _lamports(_OF_BRAND, brand_id)


def committed_on(network: str) -> int:
    """Return the lamports that what any brand has asked for on a network will take."""
    return _lamports(_OF_NETWORK, network)


def _lamports(statement: str, term: UUID | str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [term])
        lamports: int = cursor.fetchone()[0]
    return lamports
