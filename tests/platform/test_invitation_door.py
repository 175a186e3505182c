"""The door to an invitation: by the hash of its token, without a brand, while it is open."""

# ruff: noqa: S608 - the condition in the statement comes from here

import pytest

from tests.platform.conftest import TwoBrands
from tests.platform.test_row_security import session, value

pytestmark = pytest.mark.django_db

FIND_INVITATION = "select brand_id from tieback_find_invitation(%s)"


def test_an_invitation_is_found_by_its_tokens_hash_without_a_brand(two_brands: TwoBrands):
    with session("web") as connection:
        for brand in two_brands:
            digest = bytes(brand.invitation.token_sha256)
            assert value(connection, FIND_INVITATION, digest) == brand.world.brand.id
        for guess in (b"", bytes(32), None):
            assert connection.execute(FIND_INVITATION, [guess]).fetchall() == []
        assert value(connection, "select count(*) from brands_invitation") == 0


@pytest.mark.parametrize(
    "ended",
    [
        "revoked_at = now()",
        "expires_at = now() - interval '1 second'",
        "accepted_at = now(), accepted_by_id = (select min(id) from brands_user)",
    ],
)
def test_an_invitation_that_has_ended_is_not_found(ended, two_brands: TwoBrands):
    brand = two_brands.own
    digest = bytes(brand.invitation.token_sha256)
    with session("web", brand=brand) as connection:
        assert value(connection, FIND_INVITATION, digest)
        connection.execute(
            f"update brands_invitation set {ended} where id = %s", [brand.invitation.id]
        )
        assert value(connection, FIND_INVITATION, digest) is None
