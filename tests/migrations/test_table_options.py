"""Our operations leave the state of a model as Django's and pgtrigger's do."""

from typing import Any

import pgtrigger
import pytest
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState
from pgtrigger import migrations as triggers

from tieback import table_options

INDEX = models.Index(fields=("name",), name="shop_item_name")
CONSTRAINT = models.UniqueConstraint(fields=("name",), name="shop_item_once")
TRIGGER = pgtrigger.Protect(name="stays", operation=pgtrigger.Delete)


def options_after(*operations: Any) -> dict[str, Any]:
    state = ProjectState()
    fields = [("id", models.AutoField(primary_key=True)), ("name", models.TextField())]
    state.add_model(ModelState("shop", "Item", fields, options={"indexes": [], "constraints": []}))
    for operation in operations:
        operation.state_forwards("shop", state)
    options: dict[str, Any] = state.models["shop", "item"].options
    return options


@pytest.mark.parametrize(
    ("ours", "theirs", "added"),
    [
        (table_options.AddIndex, migrations.AddIndex, INDEX),
        (table_options.AddConstraint, migrations.AddConstraint, CONSTRAINT),
        (table_options.AddTrigger, triggers.AddTrigger, TRIGGER),
    ],
)
def test_what_is_added_is_in_the_state(ours: Any, theirs: Any, added: Any) -> None:
    once = options_after(theirs("item", added))
    assert options_after(ours("item", added)) == once
    assert options_after(ours("item", added), ours("item", added)) == options_after(
        theirs("item", added), theirs("item", added)
    )
