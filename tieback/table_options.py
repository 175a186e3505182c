"""Migrations' operations that add what a table has beside its columns: constraint, index, trigger.

Django's own make the models of a migration anew after each, with all that refer to them: most of
the time that a migration from nothing takes. A model that is made is only asked for its columns by
these three, which they do not change; the next change of a column shows it everything.
"""

from typing import Any

from django.db import migrations
from django.db.migrations.state import ProjectState
from pgtrigger import migrations as pgtrigger


def _add(state: ProjectState, app_label: str, model_name: str, option: str, added: Any) -> None:
    options = state.models[app_label, model_name.lower()].options
    options[option] = [*options.get(option, []), added]


class AddConstraint(migrations.AddConstraint):
    """Django's, by state alone."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add the constraint to the model's state."""
        _add(state, app_label, self.model_name, "constraints", self.constraint)


class AddIndex(migrations.AddIndex):
    """Django's, by state alone; the index has a name."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add the index to the model's state."""
        _add(state, app_label, self.model_name, "indexes", self.index.clone())


class AddTrigger(pgtrigger.AddTrigger):
    """pgtrigger's, by state alone."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add the trigger to the model's state."""
        _add(state, app_label, self.model_name, "triggers", self.trigger)
