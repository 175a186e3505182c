"""Finds out which class of access a request for a passport holds.

A grant's secret is presented as a bearer token (RFC 6750). The role of this plane cannot read the
grants: a function of the schema's owner answers for one hash and one brand.
"""

from uuid import UUID

from minting.disclosure import Access
from resolver.database import fetch_one
from resolver.items import Item
from tieback.brands.credentials import digest_of
from tieback.errors import TiebackError

_FIND = "select access, product_id, batch_id, ended from tieback_find_access_grant(%s, %s)"
_SCHEME = "bearer "


class GrantRefused(TiebackError):
    """The access grant is not known to this brand. Check that it was copied whole."""

    code = "ACCESS_GRANT_UNKNOWN"
    status = 401


class GrantExpired(GrantRefused):
    """The access grant has expired. Ask the brand for a new one."""

    code = "ACCESS_GRANT_EXPIRED"


class GrantRevoked(GrantRefused):
    """The access grant has been revoked. Ask the brand why."""

    code = "ACCESS_GRANT_REVOKED"


class GrantForSomethingElse(TiebackError):
    """The access grant is for another product or batch of the brand."""

    code = "ACCESS_GRANT_OUT_OF_SCOPE"
    status = 403


_ENDED = {"expired": GrantExpired, "revoked": GrantRevoked}


def access_of(authorization: str, brand: UUID, item: Item) -> Access:
    """Return the class that an ``Authorization`` header opens for an item; without one, public.

    Raises ``GrantRefused`` or ``GrantForSomethingElse`` where there is one and it opens nothing,
    so that nobody takes the public part for all of it; and ``Unavailable``.
    """
    if not authorization:
        return Access.PUBLIC
    if not authorization[: len(_SCHEME)].lower() == _SCHEME:
        raise GrantRefused("Present an access grant as Authorization: Bearer, or nothing.")
    digest = digest_of(authorization[len(_SCHEME) :].strip())
    row = fetch_one(_FIND, (digest, brand))
    if row is None:
        raise GrantRefused
    access, product_id, batch_id, ended = row
    if ended:
        raise _ENDED[ended]
    if product_id not in (None, item.product_id) or batch_id not in (None, item.batch_id):
        raise GrantForSomethingElse
    return Access(access)
