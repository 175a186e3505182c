"""What production refuses, and what every answer carries, asked of processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tieback.planes import PLANES

ROOT = Path(settings.BASE_DIR)
#: A production that lacks nothing; the names are RFC 2606's.
PRODUCTION = {
    "TIEBACK_ENV": "production",
    "TIEBACK_PLANE": "web",
    "DATABASE_URL": "postgresql://db.example:5432/tieback",
    "REDIS_URL": "redis://redis.example:6379/0",
    "S3_ENDPOINT_URL": "https://s3.example",
    "S3_ACCESS_KEY_ID": "an-access-key",
    "S3_SECRET_ACCESS_KEY": "a-secret-access-key",
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "TIEBACK_PROOF_SECRET": "5e" * 32,
    "METRICS_TOKEN": "only-for-this-test-0123456789",
    "ALLOWED_HOSTS": "app.example",
    **{plane.password_variable: "only-for-this-test" for plane in PLANES.values()},
}
_ASK = """
import json, sys, django
from django.conf import settings
# The names that collectstatic gives to files are not what is asked about here.
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STORAGES["staticfiles"]["BACKEND"] = plain
django.setup()
from django.test import Client
answers = {}
for scheme in ("http", "https"):
    for path in sys.argv[1:]:
        client = Client(raise_request_exception=False, headers={"Host": "app.example"})
        answer = client.get(path, secure=scheme == "https")
        cookies = {name: dict(cookie) for name, cookie in answer.cookies.items()}
        answers[f"{scheme} {path}"] = {
            "status": answer.status_code, "headers": dict(answer.headers), "cookies": cookies,
            "body": answer.content.decode()}
names = ("DEBUG", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
         "CSRF_COOKIE_SECURE", "SECURE_PROXY_SSL_HEADER")
print(json.dumps({"answers": answers, "settings": {n: getattr(settings, n) for n in names}}))
"""
PAGES = ("/accounts/login/", "/api/docs/", "/api/v1/me/", "/api/v1/nowhere/", "/nowhere")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with this environment and no other."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=kept | {"DJANGO_SETTINGS_MODULE": "tieback.settings"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def load_settings(**environment: str) -> subprocess.CompletedProcess[str]:
    return run("-c", "import tieback.settings", **environment)


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> dict[str, Any]:
    """What a production process answers to strangers; no database is needed for that."""
    home = str(tmp_path_factory.mktemp("home"))
    asked = run("-c", _ASK, *PAGES, TIEBACK_HOME=home, **PRODUCTION)
    assert asked.returncode == 0, asked.stderr
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


def test_production_answers_over_https_only(production):
    for path in PAGES:
        answer = production["answers"][f"http {path}"]
        assert answer["status"] == 301
        assert answer["headers"]["Location"] == f"https://app.example{path}"


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_hardening_headers(production, path):
    answer = production["answers"][f"https {path}"]
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["strict-transport-security"] == ("max-age=31536000; includeSubDomains; preload")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-request-id"]
    assert "server" not in headers


@pytest.mark.parametrize("path", PAGES)
def test_the_content_policy_allows_no_inline_script_and_no_foreign_source(production, path):
    policy = production["answers"][f"https {path}"]["headers"]["Content-Security-Policy"]
    rules = {words[0]: words[1:] for words in map(str.split, policy.split(";"))}
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert rules["base-uri"] == ["'none'"]
    assert rules["form-action"] == ["'self'"]
    nonces = [source for source in rules["script-src"] if source != "'self'"]
    assert all(source.startswith("'nonce-") for source in nonces)
    assert not any("unsafe" in source or "http" in source for source in rules["script-src"])


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/docs/"])
def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(production, path):
    answer = production["answers"][f"https {path}"]
    assert answer["status"] == 200
    assert "//" not in answer["body"].replace("<!--", "").replace("//app.example", "")
    for script in answer["body"].split("<script")[1:]:
        opening, _, rest = script.partition(">")
        assert "src=" in opening or "nonce=" in opening
        assert "src=" not in opening or not rest.partition("</script>")[0].strip()
    assert not any(f" on{event}=" in answer["body"] for event in ("load", "click", "submit"))


def test_cookies_are_for_https_and_this_site(production):
    cookie = production["answers"]["https /accounts/login/"]["cookies"]["tieback_web_csrf"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    values = production["settings"]
    assert values["SESSION_COOKIE_SECURE"] is values["SESSION_COOKIE_HTTPONLY"] is True
    assert values["SESSION_COOKIE_SAMESITE"] == "Lax"


def test_production_has_no_debug_pages_and_believes_no_forwarded_scheme(production):
    assert production["settings"]["DEBUG"] is False
    assert production["settings"]["SECURE_PROXY_SSL_HEADER"] is None
    assert production["answers"]["https /api/v1/nowhere/"]["status"] == 404
    assert "urlpatterns" not in production["answers"]["https /nowhere"]["body"]


def test_djangos_deployment_checks_pass_on_every_serving_plane(tmp_path):
    processes = {
        plane: subprocess.Popen(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TIEBACK_HOME": str(tmp_path), **PRODUCTION}
            | {"TIEBACK_PLANE": plane, "DJANGO_SETTINGS_MODULE": "tieback.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for plane in ("web", "console", "worker", "resolver")
    }
    for plane, process in processes.items():
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, (plane, output)


def test_settings_tell_every_problem_at_once_and_start_nothing():
    result = load_settings(
        TIEBACK_PLANE="web",
        SECRET_KEY="short",
        TIEBACK_CYCLE_SIZE="many",
        MAX_RETRIES="0",
        TIEBACK_RESOLVER_SCHEME="gopher",
        ALLOWED_HOSTS="*",
        HEALTH_CHECK_TIMEOUT="1",
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    named = {
        "SECRET_KEY",
        "TIEBACK_APP_PASSWORD",
        "TIEBACK_CYCLE_SIZE",
        "MAX_RETRIES",
        "TIEBACK_RESOLVER_SCHEME",
        "HEALTH_CHECK_TIMEOUT",
        "DATABASE_URL",
        "CELERY_BROKER_URL",
        "S3_ENDPOINT_URL",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
        "ALLOWED_HOSTS",
    }
    assert {name for name in named if f"- {name}" not in result.stderr} == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://db.example:port/tieback"),
        ("DATABASE_URL", "postgresql://db.example:99999/tieback"),
        ("DATABASE_URL", "mysql://db.example/tieback"),
        ("DATABASE_URL", "postgresql://root:secret@db.example/tieback"),
        ("DATABASE_URL", "db.example"),
        ("LOG_LEVEL", "loud"),
        ("TIEBACK_PLANE", "everything"),
        ("TIEBACK_ENV", "staging"),
        ("TIEBACK_WEB_PORT", "http"),
        ("MAX_BODY_BYTES", "1 MB"),
    ],
)
def test_a_malformed_setting_is_named(name, value):
    result = load_settings(**(PRODUCTION | {name: value}))
    assert result.returncode == 1
    assert f"- {name}" in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize("name", [name for name in PRODUCTION if "TIEBACK" not in name])
def test_nothing_production_needs_has_a_default(name):
    if name in {"METRICS_TOKEN", "REDIS_URL"}:
        return
    result = load_settings(**{key: value for key, value in PRODUCTION.items() if key != name})
    assert result.returncode == 1
    assert f"- {name}" in result.stderr
    assert "Traceback" not in result.stderr
