"""The ruling on roles as a table, and the code's: role by operation, read from the URLconf.

The left column is what is written down (docs/adr/0005-roles.md, design); a new operation fails
here until somebody says who may do it.
"""

import pytest

from tests.docs.markdown import names_in, rows, text_of
from tests.platform.description import operation
from tests.platform.routes import brand_routes
from tieback.api.principal import Principal
from tieback.brands.roles import PERMITTED_ROLES, RANK, Role, Scope

ANYBODY = frozenset(Role)
MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
CATALOGUE = MANAGERS | {Role.EDITOR}

#: What is no plain read, by operation: everything else is read by any member.
RULING: dict[str, frozenset[Role]] = {
    # submit, cancel, retry, revoke, build and download packs, credentials: owner or admin
    "submit_mint_request": MANAGERS,
    "retry_mint_job": MANAGERS,
    "cancel_mint_job": MANAGERS,
    "pause_mint_job": MANAGERS,
    "resume_mint_job": MANAGERS,
    "pause_mint_queue": MANAGERS,
    "resume_mint_queue": MANAGERS,
    "revoke_mint_units": MANAGERS,
    "set_physical_status": MANAGERS,
    "release_mint_batch": MANAGERS,
    # what is printed on nothing, and shown to everybody
    "change_passport": MANAGERS,
    "run_reconciliation": MANAGERS,
    # whatever spends lamports: owner or admin
    "mint_unit_on_chain": MANAGERS,
    "retry_mint": MANAGERS,
    "transfer_mint_unit": MANAGERS,
    "make_test_link": MANAGERS,
    "register_tags": MANAGERS,
    "upload_serial_list": MANAGERS,
    "delete_serial_list": MANAGERS,
    "build_payload_packs": MANAGERS,
    "download_payload_pack": MANAGERS,
    "download_pack_manifest": MANAGERS,
    "list_api_credentials": MANAGERS,
    "get_api_credential": MANAGERS,
    "create_api_credential": MANAGERS,
    "update_api_credential": MANAGERS,
    "rotate_api_credential": MANAGERS,
    "revoke_api_credential": MANAGERS,
    "list_access_grants": MANAGERS,
    "get_access_grant": MANAGERS,
    "issue_access_grant": MANAGERS,
    "revoke_access_grant": MANAGERS,
    # people, and what people did
    "update_member": MANAGERS,
    "remove_member": MANAGERS,
    "list_invitations": MANAGERS,
    "create_invitation": MANAGERS,
    "resend_invitation": MANAGERS,
    "revoke_invitation": MANAGERS,
    "list_audit_entries": MANAGERS,
    # what is kept of scans
    "set_scan_policy": MANAGERS,
    # what may be spent: the owner's money
    "set_chain_budget": frozenset({Role.OWNER}),
    # what costs rent on a chain
    "create_collection": MANAGERS,
    # the catalogue: also editors
    "create_product": CATALOGUE,
    "update_product": CATALOGUE,
    "import_products": CATALOGUE,
    "make_product_metadata": CATALOGUE,
    "create_production_batch": CATALOGUE,
    "update_production_batch": CATALOGUE,
    "import_production_batches": CATALOGUE,
    "create_link": CATALOGUE,
    "update_link": CATALOGUE,
    "delete_link": CATALOGUE,
}
#: Operations that write nothing although neither their name nor their method says so.
OTHER_READS = {
    "preflight_mint_request",
    "estimate_costs",
    "compare_product_versions",
    "download_products_not_ready",
}


def offered() -> dict[str, Scope]:
    """Return the scope of every operation of a brand, as the views declare it."""
    found = {}
    for route in brand_routes():
        for method, scope in route.view.permissions.items():
            told = operation(route, method)
            assert told, f"{route} {method} is not described"
            found[told["operationId"]] = scope
    return found


def is_a_read(name: str) -> bool:
    return name.startswith(("get_", "list_")) or name in OTHER_READS


@pytest.mark.parametrize("name", sorted(offered()))
def test_each_operation_is_for_the_roles_of_the_ruling(name: str):
    assert name in RULING or is_a_read(name), f"{name}: say who may do it"
    scope = offered()[name]
    for role in Role:
        person = Principal(brand_id=None, actor="user:1", user_id=1, role=role)
        assert person.may(scope) == (role in RULING.get(name, ANYBODY)), (role, scope)


def test_the_ruling_names_no_operation_that_is_not_there():
    assert set(RULING) <= set(offered())


def test_every_scope_is_needed_somewhere():
    """A scope that opens nothing would be a promise to whoever is given it."""
    assert set(offered().values()) == set(Scope)


def test_downloads_are_also_for_credentials_with_their_scope():
    key = Principal(
        brand_id=None, actor="credential:x", credential_id="x", scopes=frozenset({"packs:read"})
    )
    assert key.may(offered()["download_payload_pack"])
    assert not key.may(offered()["build_payload_packs"])


def test_the_table_of_the_decision_is_the_codes():
    listed = {
        names_in(row[0])[0]: {role for role in Role if role.value in row[1].split(", ")}
        for row in rows(text_of("adr/0005-roles.md"), "scope")
    }
    assert listed == {scope.value: set(PERMITTED_ROLES[scope]) for scope in Scope}


def test_every_role_has_a_rank_and_managers_stand_above_the_rest():
    assert set(RANK) == set(Role)
    assert min(RANK[role] for role in MANAGERS) > max(RANK[r] for r in ANYBODY - MANAGERS)
    assert max(RANK, key=RANK.__getitem__) is Role.OWNER
