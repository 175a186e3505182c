"""The API's description: valid, complete, committed as it is, and true of what the API answers."""

import io
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, note, seed
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.platform.asks import ARGUMENTS
from tests.platform.conftest import TwoBrands
from tests.platform.description import description
from tests.platform.furnishing import Furnished
from tests.platform.routes import routes
from tests.shares import SEED

COMMITTED = Path(settings.BASE_DIR) / "openapi.yml"
CASES_AN_OPERATION = int(os.environ.get("TIEBACK_FUZZ_CASES", "4"))
KEPT_PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
#: The contract's operations: callers were told these names.
OPERATIONS = {
    "submit_mint_request",
    "preflight_mint_request",
    "list_mint_batches",
    "get_mint_batch_by_id",
    "list_mint_units",
    "list_mint_events",
    "get_mint_kpis",
    "list_mint_jobs",
    "get_mint_job",
    "retry_mint_job",
    "list_payload_packs",
    "build_payload_packs",
    "download_payload_pack",
    "list_products",
    "create_product",
    "get_product",
    "update_product",
    "get_product_readiness",
    "list_product_versions",
    "get_product_version",
    "compare_product_versions",
    "list_product_identifiers",
    "get_readiness_report",
    "list_products_not_ready",
    "download_products_not_ready",
    "import_products",
    "list_production_batches",
    "create_production_batch",
    "get_production_batch",
    "update_production_batch",
    "import_production_batches",
    "list_api_credentials",
    "create_api_credential",
    "get_api_credential",
    "update_api_credential",
    "rotate_api_credential",
    "revoke_api_credential",
    "list_members",
    "get_member",
    "update_member",
    "remove_member",
    "list_invitations",
    "create_invitation",
    "resend_invitation",
    "revoke_invitation",
    "accept_invitation",
    "list_audit_entries",
    "create_token",
    "refresh_token",
    "create_session",
    "delete_session",
    "get_me",
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of every operation."""
    for path, methods in description()["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def document(text: str | bytes) -> Any:
    """Read a document by the loader written in C: by the other it takes seconds."""
    return yaml.load(text, yaml.CSafeLoader)


@cache
def generated() -> str:
    """Return the document as the command writes it."""
    written = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    return written.getvalue()


def test_the_document_is_valid_and_made_without_a_warning(capfd):
    generated.cache_clear()
    assert document(generated())["openapi"].startswith("3.")
    assert "arning" not in capfd.readouterr().err


def test_the_committed_document_is_the_generated_one():
    command = "python manage.py spectacular --file openapi.yml"
    assert COMMITTED.exists(), f"openapi.yml is missing: run {command}"
    same = COMMITTED.read_text(encoding="utf-8").strip() == generated().strip()
    assert same, f"openapi.yml is not what the code says: run {command} and commit it"


def test_the_document_is_served_to_anyone_and_is_the_same():
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    assert document(response.content)["paths"] == document(generated())["paths"]


def test_the_reference_page_is_served_from_here_alone():
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    assert b"cdn" not in page.content.lower()


def test_every_operation_of_the_contract_is_there_once():
    found = [told["operationId"] for _, _, told in operations()]
    assert len(found) == len(set(found))
    assert set(found) >= OPERATIONS


def test_every_url_of_the_api_is_described():
    described = {(path, method.upper()) for path, method, _ in operations()}
    for route in routes():
        if not route.pattern.startswith("api/v1/"):
            continue
        path = route.path(**{name: f"{{{name}}}" for name in route.arguments})
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            assert ((path, method) in described) == hasattr(route.view, method.lower()), path


@pytest.mark.parametrize("operation", list(operations()), ids=lambda told: told[2]["operationId"])
def test_every_operation_says_what_it_does_and_how_it_refuses(operation):
    path, _, told = operation
    assert told["description"].strip().endswith((".", "409", "`"))
    assert {"400", "401", "403", "404", "405", "413", "415"} <= set(told["responses"])
    brand = any(item["name"] == "X-Workspace-Id" for item in told.get("parameters", []))
    outside = ("/api/v1/auth/", "/api/v1/me/", "/api/v1/invitations/accept/")
    assert brand == (not path.startswith(outside))


# What is described is what happens ------------------------------------------------------------


@pytest.fixture(scope="module")
def one_connection() -> Iterator[None]:
    """Keep the test's transaction open over the end of each request, as a test client would."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def contract(one_connection: None) -> BaseSchema:
    """The description as a client of the running application reads it."""
    return schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())


def cases(operation: APIOperation) -> st.SearchStrategy[schemathesis.Case]:
    """Return requests that fit the description and, where it asks anything, some that do not."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not (operation.query or operation.headers or operation.body):
        return fitting
    return fitting | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def make_it_real(case: schemathesis.Case, brand: Furnished) -> None:
    """Name objects that exist where the case made up ids: otherwise all ends at 404."""
    for name in case.path_parameters:
        case.path_parameters[name] = str(ARGUMENTS[name](brand))
    if isinstance(case.body, dict):
        for name, fill in ARGUMENTS.items():
            if name in case.body:
                case.body[name] = str(fill(brand))
    for name in ("batch", "product", "production_batch"):
        if name in case.query:
            case.query[name] = str(ARGUMENTS[f"{name}_id"](brand))


@pytest.mark.django_db
@pytest.mark.parametrize("operation", list(operations()), ids=lambda told: told[2]["operationId"])
def test_generated_requests_are_answered_as_described(
    operation, contract: BaseSchema, two_brands: TwoBrands, quick_passwords
):
    path, method, _ = operation
    own = two_brands.own
    answered: Counter[int] = Counter()
    # By turns, not drawn: of so few cases chance would now and then make none real.
    real = cycle((True, False))

    @seed(SEED)
    @given_settings(
        max_examples=CASES_AN_OPERATION,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(contract[path][method.upper()]))
    def ask(case: schemathesis.Case) -> None:
        note(f"TIEBACK_FUZZ_SEED={SEED}")
        case.headers = {**(case.headers or {}), "X-Api-Key": own.all_scopes.header}
        if next(real):
            case.headers["X-Workspace-Id"] = str(own.world.brand.id)
            make_it_real(case, own)
        response = case.call_and_validate(checks=KEPT_PROMISES)
        answered[response.status_code] += 1

    ask()
    assert set(answered) - {404}, "nothing was reached: the cases show nothing"


@pytest.fixture
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
