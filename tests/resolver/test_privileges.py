"""What the resolver's role may not do, whatever its code asks for."""

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from minting.states import UnitStatus
from tests.factories import BrandWorld
from tests.resolver.units import mint

pytestmark = [pytest.mark.django_db, pytest.mark.plane("resolver")]


@pytest.mark.parametrize(
    "statement",
    [
        "select dpp from minting_product",
        "select sku, gtin from minting_product",
        "select * from minting_mintbatch",
        "select requested_quantity from minting_mintbatch",
        "select * from minting_mintjob",
        "select * from minting_mintevent",
        "select * from minting_productionbatch",
        "select * from brands_apicredential",
        "select * from brands_auditentry",
        "select * from exports_payloadpack",
        "select * from resolver_activation",
        "select * from resolver_link",
        "update resolver_link set target = 'https://evil.example'",
        "insert into resolver_link (title) values ('x')",
        "delete from resolver_link",
        "delete from resolver_activation",
        "select traffic from resolver_scanevent",
        "delete from resolver_scanevent",
        "select text from resolver_scanagent",
        "update resolver_scanpolicy set retention_days = 1",
        "delete from resolver_visitorkey",
        "select tieback_make_scan_days(1)",
        "select tieback_drop_scan_days('2020-01-01')",
        "update minting_mintunit set token = token",
        "update minting_mintunit set revoked_at = now()",
        "update minting_mintbatch set activated_quantity = 0",
        "delete from minting_mintunit",
        "update minting_mintbatch set released_at = now()",
        "insert into resolver_tag (uid) values ('x')",
        "update resolver_tag set unit_id = 1",
        "delete from resolver_tag",
        "insert into minting_mintunit (token) values ('x')",
        "select tieback_find_credential('x')",
        "select * from resolver_accessgrant",
        "update resolver_accessgrant set revoked_at = null",
        "update brands_brand set accent_colour = ''",
        "delete from brands_brandlogo",
    ],
)
def test_the_role_is_refused(statement: str):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_the_role_cannot_bring_an_active_unit_back(nordhav: BrandWorld, connections):
    mint(nordhav, status=UnitStatus.ACTIVE)
    with pytest.raises(DatabaseError, match="never_back"), connection.cursor() as cursor:
        cursor.execute("update minting_mintunit set status = 0")
