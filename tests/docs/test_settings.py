"""docs/settings.md says what the settings read, no more and no less, and what happens without."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, names_in, rows, section, text_of
from tests.docs.reading import read_past_the_settings, variables
from tieback.planes import PLANES

TEXT = text_of("settings.md")
RESERVED = section(TEXT, "Names kept for what is not in this version")
ELSEWHERE = section(TEXT, "Read elsewhere")
DOCUMENTED = {
    names_in(row[0])[0]: row
    for row in rows(TEXT.replace(RESERVED, "").replace(ELSEWHERE, ""), "variable")
}
READ = variables()
# Their defaults depend on other settings; the words in the table are for people.
WORDED = {"ALLOWED_HOSTS", "TIEBACK_TLS", "REDIS_URL", "TIEBACK_WEB_PORT", "SOLANA_NETWORK"}


def in_words(default: str | None) -> str:
    """Say a default of the code the way the table says it."""
    if default is None:
        return "required"
    value = ast.literal_eval(default)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value}`" if value not in ("", []) else "empty"


def test_every_variable_the_settings_read_is_documented() -> None:
    assert set(READ) - set(DOCUMENTED) == set()


def test_every_documented_variable_is_read() -> None:
    assert set(DOCUMENTED) - set(READ) == set()


def test_no_variable_is_documented_twice() -> None:
    listed = [names_in(row[0])[0] for row in rows(TEXT, "variable")]

    assert sorted(listed) == sorted(set(listed))


@pytest.mark.parametrize("name", sorted(set(READ) - WORDED))
def test_documented_default_is_the_one_in_the_code(name: str) -> None:
    assert DOCUMENTED[name][2] == in_words(READ[name].default)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_planes_of_a_variable_are_planes(name: str) -> None:
    planes = set(DOCUMENTED[name][3].split(", "))

    assert planes == {"all"} or planes <= set(PLANES)


@pytest.mark.parametrize("plane", PLANES.values(), ids=lambda plane: plane.name)
def test_password_of_a_role_is_required_by_its_plane_only(plane) -> None:  # type: ignore[no-untyped-def]
    assert DOCUMENTED[plane.password_variable][2:] == ["required", plane.name]


def test_variables_read_past_the_settings_are_documented_as_such() -> None:
    documented = {names_in(row[0])[0] for row in rows(ELSEWHERE, "variable")}

    assert read_past_the_settings() - set(READ) == documented


def test_reserved_names_are_not_read() -> None:
    reserved = {name for row in rows(RESERVED, "variable") for name in names_in(row[0])}

    assert reserved
    assert reserved & (set(READ) | read_past_the_settings()) == set()


def started(**environ: str) -> "subprocess.CompletedProcess[str]":
    """Load the settings as a process of its own, with this environment and nothing else."""
    return subprocess.run(
        [sys.executable, "-c", "import tieback.settings as s; print(repr(s.SECRET_KEY))"],
        env={"PATH": os.defpath, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_process_without_settings_refuses_and_names_every_problem_at_once() -> None:
    refused = started(TIEBACK_PLANE="web", MAX_RETRIES="none")

    assert refused.returncode == 1
    assert refused.stdout == ""
    listed = [line for line in refused.stderr.splitlines() if line.startswith("  - ")]
    for name in (
        *("SECRET_KEY", "TIEBACK_APP_PASSWORD", "MAX_RETRIES", "DATABASE_URL"),
        *("CELERY_BROKER_URL", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
        "ALLOWED_HOSTS",
    ):
        assert any(line.startswith(f"  - {name}") for line in listed), name
    assert "Traceback" not in refused.stderr


def test_keys_that_are_none_are_named_and_not_repeated() -> None:
    refused = started(
        TIEBACK_PLANE="resolver",
        TIEBACK_TEST_LINK_KEY="a1b2c3",
        TIEBACK_TEST_LINK_PUBLIC_KEYS=f"{'0' * 64},d4e5f6",
        TIEBACK_TAG_KEYS='{"nordhav": ["f7a8b9"]}',
    )

    assert refused.returncode == 1
    for said in (
        "TIEBACK_TEST_LINK_KEY must be 64 hexadecimal digits",
        "TIEBACK_TEST_LINK_PUBLIC_KEYS must be 64 hexadecimal digits",
        "TIEBACK_TAG_KEYS names a brand by something that is no id",
    ):
        assert f"  - {said}" in refused.stderr.splitlines()
    assert not any(key in refused.stderr for key in ("a1b2c3", "d4e5f6", "f7a8b9"))


def test_example_of_a_refusal_is_what_a_refusal_says() -> None:
    example = section(TEXT, "Settings").split("```")[1].strip().splitlines()

    said = started(TIEBACK_PLANE="web").stderr.splitlines()

    assert [line for line in said if line in example] == example


def test_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("k" * 40 + "\n", encoding="utf-8")

    process = started(SECRET_KEY_FILE=str(file), DB_HOST="db", DB_PASSWORD="p" * 12)

    assert process.stdout.strip() == repr("k" * 40)


def test_file_of_a_secret_wins_over_its_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("k" * 40, encoding="utf-8")

    process = started(
        SECRET_KEY_FILE=str(file), SECRET_KEY="v" * 40, DB_HOST="db", DB_PASSWORD="p" * 12
    )

    assert process.stdout.strip() == repr("k" * 40)


def test_unreadable_file_of_a_secret_stops_the_process_and_is_named(tmp_path: Path) -> None:
    refused = started(SECRET_KEY_FILE=str(tmp_path / "none"))

    assert refused.returncode == 1
    assert "SECRET_KEY_FILE" in refused.stderr
