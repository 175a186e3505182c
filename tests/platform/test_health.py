"""Probes and metrics tell the truth: about this process at once, about the rest in bounded time."""

import re
import socket
import time
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from minting.models import RpcEndpoint
from tests.planes import acting_as
from tests.platform.conftest import TwoBrands
from tests.platform.proxies import Proxy
from tieback import health

CHECKS = {"database", "migrations", "redis", "broker", "storage", "solana", "queue", "outbox"}
PROBES = ("/health", "/health/db", "/health/liveness", "/health/readiness")


@pytest.fixture(autouse=True)
def no_check_under_way(monkeypatch) -> None:
    """A check that an earlier test left running must not answer for this one's."""
    monkeypatch.setattr(health, "_running", {})


@pytest.fixture
def probe() -> Client:
    """A prober that names the machine by an address no host setting knows."""
    return Client(headers={"Host": "10.11.12.13"})


@pytest.fixture
def database(db: None, settings, monkeypatch) -> Iterator[Proxy]:
    """The database behind a switch; a machine that is held up must not look like a lost one."""
    known = settings.DATABASES["default"]
    settings.HEALTH_CHECK_TIMEOUT_MS = 30_000
    with Proxy(known["HOST"], int(known["PORT"])) as proxy:
        monkeypatch.setitem(known, "PORT", str(proxy.port))
        yield proxy


@pytest.fixture
def nothing_else(monkeypatch) -> None:
    """Leave the database's checks alone to decide."""
    for name in CHECKS - {"database", "migrations"}:
        monkeypatch.setitem(health.CHECKS, name, lambda: "ok")


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_health_says_healthy_which_service_and_when(probe):
    body = probe.get("/health").json()
    assert (body.keys(), body["status"]) == ({"status", "service", "timestamp"}, "healthy")
    assert body["service"] == "tieback"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None


def test_health_of_the_database_says_connected(probe, database):
    response = probe.get("/health/db")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "connected", "service": "tieback"}


def test_health_of_a_lost_database_says_disconnected_and_nothing_internal(probe, database):
    database.switch_off()
    response = probe.get("/health/db")
    assert response.status_code == 503
    assert response.json() == {
        "status": "error",
        "database": "disconnected",
        "error": "The database does not answer.",
        "service": "tieback",
    }


def test_liveness_touches_nothing(probe, monkeypatch):
    """No database fixture: any use of Django's connection would raise here."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("liveness touched a dependency")

    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr(health, "run_checks", refuse)
    response = probe.get("/health/liveness")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("how", ["switch_off", "fall_silent"])
def test_liveness_answers_at_once_while_the_database_does_not(probe, database, how):
    getattr(database, how)()
    began = time.monotonic()
    assert [probe.get("/health/liveness").status_code for _ in range(60)] == [200] * 60
    assert time.monotonic() - began < 20, "60 waits for a database would take minutes"


@pytest.mark.usefixtures("nothing_else")
def test_readiness_names_every_check(probe, database):
    response = probe.get("/health/readiness")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": dict.fromkeys(sorted(CHECKS), "ok")}


@pytest.mark.usefixtures("nothing_else")
def test_readiness_flips_when_the_database_goes_and_when_it_comes_back(probe, database):
    database.switch_off()
    response = probe.get("/health/readiness")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert {name for name, word in response.json()["checks"].items() if word != "ok"} == {
        "database",
        "migrations",
    }
    database.switch_on()
    assert probe.get("/health/readiness").json()["status"] == "ready"


@pytest.mark.usefixtures("nothing_else")
def test_readiness_answers_in_time_while_the_database_is_silent_and_recovers(
    probe, database, settings
):
    settings.HEALTH_CHECK_TIMEOUT_MS = 500
    database.fall_silent()
    began = time.monotonic()
    statuses = [probe.get("/health/readiness").status_code for _ in range(2)]
    assert statuses == [503, 503]
    assert time.monotonic() - began < 8, "one limit for all checks together, not one for each"
    database.speak_again()
    until = time.monotonic() + 60
    while probe.get("/health/readiness").status_code == 503:
        assert time.monotonic() < until, "readiness does not come back"
        time.sleep(0.1)


def test_checks_that_hang_take_one_thread_each_however_often_they_are_asked(monkeypatch, settings):
    settings.HEALTH_CHECK_TIMEOUT_MS = 400
    begun = []

    def hang() -> str:
        begun.append(1)
        time.sleep(4)
        return "ok"

    monkeypatch.setitem(health.CHECKS, "storage", hang)
    monkeypatch.setitem(health.CHECKS, "redis", lambda: "ok")
    for _ in range(4):
        assert health.run_checks(("storage", "redis")) == {"storage": "error", "redis": "ok"}
    assert len(begun) == 1


@pytest.mark.usefixtures("nothing_else")
def test_readiness_is_refused_until_the_schema_is_the_codes(probe, database, monkeypatch):
    code = health._migrations_of_this_code() | {("minting", "9999_not_yet")}
    monkeypatch.setattr(health, "_migrations_of_this_code", lambda: code)
    response = probe.get("/health/readiness")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "1 pending"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nothing_else")
def test_readiness_follows_the_schema_in_the_database_there_and_back(probe):
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute(
            "delete from django_migrations where app = 'minting' and name = '0002_row_security'"
            " returning name, applied"
        )
        (taken,) = cursor.fetchall()
    try:
        answer = probe.get("/health/readiness")
        assert answer.status_code == 503
        assert answer.json()["checks"]["migrations"] == "1 pending"
        assert probe.get("/health/liveness").status_code == 200
    finally:
        with acting_as("owner"), connection.cursor() as cursor:
            cursor.execute(
                "insert into django_migrations (app, name, applied) values ('minting', %s, %s)",
                taken,
            )
    assert probe.get("/health/readiness").json()["status"] == "ready"


def test_a_lost_cache_or_broker_only_degrades(probe, database, settings):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{closed_port()}/0"
    response = probe.get("/health/readiness")
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "degraded")
    assert {body["checks"][name] for name in ("redis", "broker", "queue")} == {"error"}
    assert (body["checks"]["database"], body["checks"]["migrations"]) == ("ok", "ok")


def test_lost_object_storage_only_degrades(probe, database, monkeypatch):
    def lost() -> str:
        raise ConnectionError("s3.internal:9000 refused")

    monkeypatch.setitem(health.CHECKS, "storage", lost)
    response = probe.get("/health/readiness")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["storage"] == "error"


@pytest.mark.django_db(transaction=True)
def test_a_chain_that_does_not_answer_only_degrades(probe, database, settings):
    with acting_as("worker"):
        RpcEndpoint.objects.create(
            name="gone",
            url="http://127.0.0.1:9/",
            status="open",
            opened_times=1,
            rests_until=timezone.now(),
        )
    body = probe.get("/health/readiness").json()
    assert (body["status"], body["checks"]["solana"]) == ("degraded", "no endpoint answers")


@pytest.mark.parametrize("path", [*PROBES, "/metrics"])
def test_probes_answer_with_and_without_the_slash_and_never_redirect(probe, database, path):
    for form in (path, f"{path}/"):
        response = probe.get(form)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert response["X-Content-Type-Options"] == "nosniff"


def test_probes_are_not_redirected_to_https(probe, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert probe.get("/health/liveness").status_code == 200


@pytest.mark.parametrize("path", PROBES)
def test_probes_are_read_only(probe, path):
    response = probe.post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthy", "/health/other", "/metricsx", "/health/db/x"])
def test_a_path_that_only_begins_like_a_probe_is_not_one(client, path):
    assert client.get(path).status_code == 404


# Metrics ---------------------------------------------------------------------------------------


def test_metrics_are_prometheus_text_with_the_names_dashboards_know(probe):
    response = probe.get("/metrics")
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/plain; version=")
    for name, kind in {
        "mints_succeeded_total": "counter",
        "mints_failed_total": "counter",
        "mint_retries_total": "counter",
        "mint_duration_seconds": "histogram",
    }.items():
        assert f"# TYPE {name} {kind}" in text


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("scrape-me-0123456789", 401),
        ("Bearer caf\u00e9", 401),
        ("Bearer scrape-me-0123456789", 200),
    ],
)
def test_metrics_with_a_token_answer_its_bearer_alone(probe, settings, header, status):
    settings.METRICS_TOKEN = "scrape-me-0123456789"
    headers = {"Authorization": header} if header else {}
    response = probe.get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"mints_succeeded_total" in response.content) == (status == 200)


@pytest.mark.django_db
def test_metrics_tell_nothing_of_any_brand_and_stay_few(probe, two_brands: TwoBrands):
    own = two_brands.own
    api = Client(headers={"X-Api-Key": own.all_scopes.header})
    before = series(probe)
    for _ in range(3):
        for path in (
            f"mint-jobs/{own.minted.id}",
            f"mint-batches/{own.minted.batch_id}",
            "nowhere",
        ):
            api.get(f"/api/v1/{path}/", headers={"X-Request-Id": f"{own.slug}-request"})
        api.generic(f"ODD{own.slug}", "/api/v1/me/")
    text = probe.get("/metrics").content.decode().lower()
    assert not [mark for mark in own.marks if mark.lower() in text]
    assert series(probe) - before < 100


def test_no_label_of_our_own_metrics_is_made_of_what_a_stranger_sends(probe):
    """No more values for any label, whatever paths, methods, agents and ids were sent."""
    stranger = Client(raise_request_exception=False)
    before = labels(probe)
    for number in range(50):
        headers = {"User-Agent": f"agent-{number}", "X-Request-Id": f"request-{number}"}
        stranger.get(f"/api/v1/unknown-{number}/?q={number}", headers=headers)
        stranger.generic(f"VERB{number}", f"/nowhere-{number}", headers=headers)
    values = labels(probe)
    text = str(values)
    assert not re.search(r"unknown-\d|VERB\d|agent-\d|nowhere-\d|request-\d", text)
    added = {name: len(found - before.get(name, set())) for name, found in values.items()}
    assert {name for name, count in added.items() if count > 10} == set()


def labels(probe: Client) -> dict[str, set[str]]:
    """Return the values of each label."""
    values: dict[str, set[str]] = {}
    for line in probe.get("/metrics").content.decode().splitlines():
        for name, value in re.findall(r'(\w+)="([^"]*)"', line):
            values.setdefault(name, set()).add(value)
    return values


def series(probe: Client) -> int:
    """Count the time series, a histogram's buckets as one."""
    lines = probe.get("/metrics").content.decode().splitlines()
    return len(
        {re.sub(r'le="[^"]*"', "", line.rpartition(" ")[0]) for line in lines if line[0] != "#"}
    )


def test_the_database_answers_the_probes_as_this_planes_role(database):
    with health.open_session() as session:
        row = session.execute("select current_user").fetchone()
    assert row == (connection.settings_dict["USER"],)
