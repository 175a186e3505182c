"""The form that asks before something is done to rows of a list: which, and why."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError


class ChosenForm(forms.Form):
    """Which rows, and why. They travel as one field, so that hundreds of them fit."""

    MOST: ClassVar[int] = 500
    #: What the rows are.
    NOUN: ClassVar[str]

    chosen = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Kept in the audit trail.",
    )

    @classmethod
    def of(cls, ids: Iterable[Any]) -> Self:
        """Return an empty form for these rows."""
        listed = [str(one) for one in ids][: cls.MOST]
        return cls(initial={"chosen": ",".join(listed)})

    def clean_chosen(self) -> list[UUID]:
        """Return the ids, each once."""
        ids = _ids_in(self.cleaned_data["chosen"])
        if not ids or len(ids) > self.MOST:
            raise ValidationError(f"Choose between 1 and {self.MOST} {self.NOUN}.")
        return ids

    def ids(self) -> list[UUID]:
        """Return the ids the form carries, valid or not."""
        return _ids_in(str(self["chosen"].value() or ""))[: self.MOST]


def _ids_in(text: str) -> list[UUID]:
    """Return the UUIDs in a comma-separated text, each once; anything else is left out."""
    found: dict[UUID, None] = {}
    for part in text.split(","):
        try:
            found[UUID(part.strip())] = None
        except ValueError:
            continue
    return list(found)
