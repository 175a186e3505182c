"""The parts of a deploy under load that need no deploy: the code of before, and the verdict."""

import io
import tarfile
from pathlib import Path

import pytest
from django.db import connection

from rolling import checkout
from rolling.checkout import NoEarlierCode, earlier_commit, lay_out
from rolling.watching import VERDICTS, faults

HISTORY = """commit first
minting/migrations/0001_initial.py
minting/migrations/0002_row_security.py
commit second
docs/operations.md
commit third
minting/migrations/0003_lifecycle.py
commit fourth
minting/migrations/0004_more.py"""


class Git:
    """Answers for git."""

    def __init__(self, tag: str, history: str) -> None:
        self.tag, self.history = tag, history

    def __call__(self, *arguments: str, check: bool = True) -> str:
        return {"describe": self.tag, "log": self.history, "rev-parse": arguments[-1]}[arguments[0]]


class Rows:
    """A database that answers each query of the verdict with given rows."""

    def __init__(self, jobs: list[tuple[str, int]], **wrong: list[tuple[object, ...]]) -> None:
        self.jobs, self.wrong = jobs, wrong

    def execute(self, query: str) -> "Rows":
        self.asked = query
        return self

    def fetchall(self) -> list[tuple[object, ...]]:
        names = {text: name for name, text in VERDICTS.items()}
        if self.asked in names:
            return self.wrong.get(names[self.asked], [])
        return list(self.jobs)


def test_a_deploy_comes_from_the_last_release(monkeypatch):
    monkeypatch.setattr(checkout, "_git", Git("v1.2", HISTORY))
    assert earlier_commit() == "v1.2"


def test_before_the_first_release_it_comes_from_the_first_schema(monkeypatch):
    monkeypatch.setattr(checkout, "_git", Git("", HISTORY))
    assert earlier_commit() == "third^"


def test_where_nothing_has_changed_there_is_nothing_to_deploy_from(monkeypatch):
    monkeypatch.setattr(checkout, "_git", Git("", HISTORY.partition("\ncommit third")[0]))
    with pytest.raises(NoEarlierCode, match="--old"):
        earlier_commit()


def test_the_code_of_a_commit_is_laid_out_beside_ours(tmp_path: Path, monkeypatch):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as files:
        entry = tarfile.TarInfo("manage.py")
        entry.size = 3
        files.addfile(entry, io.BytesIO(b"old"))

    class Done:
        stdout = packed.getvalue()

    monkeypatch.setattr(checkout.subprocess, "run", lambda *_, **__: Done)
    assert (lay_out("v1.2", tmp_path / "old") / "manage.py").read_text() == "old"


def test_nothing_wrong_is_no_fault():
    assert faults(Rows([("a", 7)]), {"a": 7}) == []


@pytest.mark.parametrize("what", VERDICTS)
def test_each_verdict_can_find_something(what: str):
    assert faults(Rows([], **{what: [("a", "b")]}), {}) == [f"{what}: ('a', 'b')"]


@pytest.mark.parametrize("jobs", [[], [("a", 6)]])
def test_a_promised_job_that_is_gone_or_another_is_a_fault(jobs: list[tuple[str, int]]):
    (found,) = faults(Rows(jobs), {"a": 7})
    assert "acknowledged" in found


@pytest.mark.django_db
@pytest.mark.plane("console")
def test_the_verdicts_are_sql_that_the_schema_understands():
    with connection.cursor() as cursor:
        for query in VERDICTS.values():
            cursor.execute(query)
            assert cursor.fetchall() == []
