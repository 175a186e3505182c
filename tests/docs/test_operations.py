"""docs/operations.md: its queries run, its commands exist, its links lead somewhere."""

import re
from uuid import UUID

import pytest
from django.core.management import get_commands
from django.db import connection

from minting.retries import NotRetryable
from tests.docs.compose import interpolated_names, project, services
from tests.docs.markdown import DOCS, names_in, rows, section, text_of
from tieback.health import CHECKS
from tieback.stack.processes import PROCESSES

TEXT = text_of("operations.md")
QUERIES = re.findall(r"^### (.+?)\n.*?^```sql\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL)
SYMPTOMS = (
    "Database not reachable",
    "Broker or queue not reachable",
    "Wallet missing",
    "Tree creation failed",
    "Transaction signature failed",
    "Webhook refused",
    "Item not found",
    "HMAC mismatch",
    "Reconciliation shows database to chain drift",
    "Queue stuck",
)
STEPS = ("Diagnosis", "Console action", "Command", "Verification", "Prevention")
NOTHING = UUID(int=0)


@pytest.mark.plane("console")
@pytest.mark.django_db
@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_query_runs_as_the_operators_role(title: str, query: str) -> None:
    filled = re.sub(r":'(job|batch)'", f"'{NOTHING}'", query)

    with connection.cursor() as cursor:
        cursor.execute(filled)

        assert cursor.description


def test_queries_only_read() -> None:
    assert QUERIES
    for _, query in QUERIES:
        assert query.startswith("select ")
        assert not re.search(r"\b(insert|update|delete|alter|drop)\b", query)


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_symptom_says_cause_sign_and_remedy_or_that_it_cannot_occur(symptom: str) -> None:
    text = section(TEXT, symptom)

    if not text.strip().startswith("Not in this version"):
        assert [word for word in ("**Cause.**", "**See.**", "**Do.**") if word not in text] == []


@pytest.mark.parametrize(
    "name", ["failed mint recovery", "reconciliation discrepancy", "queue backlog"]
)
def test_runbook_leads_from_diagnosis_to_prevention(name: str) -> None:
    steps = re.findall(r"^\d\. \*\*(.+?)\.\*\*", section(TEXT, f"Runbook: {name}"), re.MULTILINE)

    assert tuple(steps) == STEPS


def test_what_the_runbook_says_of_retries_is_what_the_api_answers() -> None:
    assert f"{NotRetryable.status} `{NotRetryable.code}`" in TEXT


def test_every_process_and_port_is_listed() -> None:
    text = section(TEXT, "Processes and planes")
    table = {names_in(row[0])[0]: row for row in rows(text, "process")}

    assert set(table) == {process.name for process in PROCESSES} | {"migrate"}
    for process in PROCESSES:
        assert process.plane.role in table[process.name][1]
        for port in services()[process.name].get("ports", []):
            assert port.split(":")[1] in table[process.name][3]


def test_every_readiness_check_is_explained() -> None:
    listed = [name for row in rows(section(TEXT, "Health"), "check") for name in names_in(row[0])]

    assert sorted(listed) == sorted(CHECKS)


def test_commands_of_manage_py_exist() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", TEXT))

    assert named
    assert named <= set(get_commands())


def test_services_named_in_commands_exist() -> None:
    named = re.findall(
        r"docker compose (?:run --rm(?: --env \S+)?|exec(?: -T)?|restart|stop|logs|ps) ([a-z3 ]+)",
        TEXT,
    )
    words = {word for found in named for word in found.split() if word in services()}

    assert words
    for found in named:
        first = found.split()[0]
        assert first in services(), found


def test_variables_and_volumes_of_the_compose_file_are_as_described() -> None:
    for name in ("POSTGRES_SHARED_BUFFERS", "RESOLVER_CONNECTIONS"):
        assert name in interpolated_names()
        assert f"`{name}`" in TEXT
    assert set(project()["volumes"]) == {"postgres", "valkey", "s3", "prometheus"}


def anchors(text: str) -> set[str]:
    """Return the anchors that headings get."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", ["operations.md", "settings.md", "states.md"])
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(name)):
        path, _, anchor = target.partition("#")
        file = (DOCS / path) if path else DOCS / name
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target
