"""Migrations form one line, can be taken back, and let the old code work while they run."""

from itertools import pairwise
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.migrations.rules import BIG, flat, made_by, not_held, problems_of
from tieback.table_locks import HoldTables

OURS = ("api", "brands", "exports", "minting", "resolver")
#: What makes the first schema, when there was no code that could be held up.
FIRST = ("0001_", "0002_")
#: Migrations that may break rules, and why nobody is held up all the same.
EXCUSED: dict[tuple[str, str], dict[str, str]] = {
    ("minting", "0005_catalogue_history"): {
        "big-table": "No release came before it, so no table of units is big yet.",
    },
    ("minting", "0006_modes"): {
        "old-code-inserts": "The code before it accepted no lots and inserts none.",
    },
}


def ours() -> dict[str, list[migrations.Migration]]:
    """Return our migrations by app, in the order of their numbers."""
    found: dict[str, list[migrations.Migration]] = {}
    for (app, _), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if app in OURS:
            found.setdefault(app, []).append(migration)
    return found


def later() -> list[migrations.Migration]:
    """Return those that run while released code works."""
    return [
        migration
        for line in ours().values()
        for migration in line
        if not migration.name.startswith(FIRST)
    ]


@pytest.mark.parametrize("app", sorted(ours()))
def test_the_migrations_of_an_app_form_one_line(app: str):
    line = ours()[app]
    numbers = [int(migration.name.partition("_")[0]) for migration in line]
    assert numbers == list(range(1, len(line) + 1)), "numbers follow one another"
    for earlier, migration in pairwise(line):
        parents = {name for of_app, name in migration.dependencies if of_app == app}
        assert parents == {earlier.name}, f"{app}.{migration.name} follows {earlier.name}"


def test_no_app_has_two_ends():
    assert MigrationLoader(None).detect_conflicts() == {}


def test_every_migration_can_be_taken_back():
    for line in ours().values():
        for migration in line:
            for operation in flat(migration.operations):
                assert operation.reversible, f"{migration}: {operation.describe()}"


def test_several_tables_are_held_from_the_start():
    alters = [
        migrations.RunSQL("alter table minting_mintjob add x int", ""),
        migrations.RunSQL("alter table minting_mintbatch add x int", ""),
    ]
    assert late(*alters) == {"minting_mintjob", "minting_mintbatch"}
    assert late(alters[0]) == set()
    assert late(HoldTables("minting_mintjob"), *alters) == {"minting_mintbatch"}
    assert late(HoldTables("minting_mintbatch", "minting_mintjob"), *alters) == set()
    assert late(*alters, HoldTables("minting_mintbatch", "minting_mintjob")) != set()
    refers = migrations.CreateModel(
        "New", [("job", models.ForeignKey("minting.MintJob", models.CASCADE))]
    )
    assert late(alters[1], refers) == {"minting_mintjob", "minting_mintbatch"}


def late(*operations: Any) -> set[str]:
    migration = migrations.Migration("0099_x", "minting")
    migration.operations = list(operations)
    return not_held(migration, made=frozenset())


@pytest.mark.parametrize("migration", later(), ids=str)
def test_the_old_code_works_while_and_after_a_migration_runs(migration: migrations.Migration):
    excused = EXCUSED.get((migration.app_label, migration.name), {})
    found = problems_of(migration, made=made_since_the_first())
    left = [problem for problem in found if problem.rule not in excused]
    assert left == [], (
        "rewrite it (CONTRIBUTING.md, migrations), or excuse the rule in EXCUSED with the reason"
    )


def made_since_the_first() -> frozenset[str]:
    """Return tables that no code of before knows."""
    return frozenset[str]().union(*map(made_by, later()))


def test_an_excuse_names_a_migration_and_gives_a_reason():
    known = {(migration.app_label, migration.name) for migration in later()}
    for name, rules in EXCUSED.items():
        assert name in known, f"{name} is gone: its excuse too"
        assert all(len(reason.split()) > 3 for reason in rules.values())


def test_big_tables_are_tables():
    made = {table for line in ours().values() for one in line for table in made_by(one)}
    assert made >= BIG


# The rules themselves ---------------------------------------------------------------------------

UNIT_INDEX = models.Index(fields=["status"], name="x")
CHECK = models.CheckConstraint(condition=models.Q(status=1), name="x")


def column(table: str, field: Any) -> migrations.AddField:
    return migrations.AddField(table, "x", field)


@pytest.mark.parametrize(
    ("operation", "rule"),
    [
        (column("mintjob", models.IntegerField(default=0)), "old-code-inserts"),
        (column("mintjob", models.IntegerField(db_default=0)), None),
        (column("mintjob", models.IntegerField(null=True)), None),
        (column("newtable", models.IntegerField()), None),
        (column("mintunit", models.IntegerField(db_default=0)), None),
        (
            column("mintunit", models.ForeignKey("x.Y", models.CASCADE, null=True)),
            "big-table",
        ),
        (migrations.RemoveField("mintjob", "status"), "still-there"),
        (migrations.RenameField("mintjob", "status", "state"), "still-there"),
        (migrations.DeleteModel("MintJob"), "still-there"),
        (migrations.RenameModel("MintJob", "Job"), "still-there"),
        (migrations.AddIndex("mintunit", UNIT_INDEX), "big-table"),
        (migrations.AddIndex("mintjob", UNIT_INDEX), None),
        (migrations.AddConstraint("mintunit", CHECK), "big-table"),
        (migrations.AddConstraint("mintjob", CHECK), None),
        (migrations.AlterField("mintunit", "serial", models.CharField(max_length=30)), "big-table"),
        (migrations.RunSQL("create index x on minting_mintunit (status)", "drop x"), "big-table"),
        (migrations.RunSQL("create index x on minting_mintjob (status)", "drop x"), None),
        (migrations.RunSQL("update minting_mintunit set status = 1", ""), "big-table"),
        (migrations.RunSQL("alter table minting_mintjob drop column x", ""), "still-there"),
        (
            migrations.RunSQL("alter table minting_mintunit add constraint x check (true)", ""),
            "big-table",
        ),
        (
            migrations.RunSQL(
                "alter table minting_mintunit add constraint x check (true) not valid", ""
            ),
            None,
        ),
        (migrations.RunSQL("select 1"), "reversible"),
        (migrations.RunPython(migrations.RunPython.noop), "reversible"),
    ],
    ids=lambda value: value.describe() if hasattr(value, "describe") else value,
)
def test_a_rule_finds_what_breaks_it_and_nothing_else(operation: Any, rule: str | None):
    migration = migrations.Migration("0009_x", "minting")
    migration.operations = [operation]
    found = {
        problem.rule for problem in problems_of(migration, made=frozenset({"minting_newtable"}))
    }
    assert found == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("operations", "rules"),
    [
        ([AddIndexConcurrently("mintunit", UNIT_INDEX)], set()),
        (
            [AddIndexConcurrently("mintunit", UNIT_INDEX), migrations.RunSQL("select 1", "")],
            {"atomic"},
        ),
    ],
)
def test_only_concurrent_indexes_go_without_a_transaction(operations: list[Any], rules: set[str]):
    migration = migrations.Migration("0009_x", "minting")
    migration.atomic, migration.operations = False, operations
    assert {problem.rule for problem in problems_of(migration, made=frozenset())} == rules
