"""Serializers that refuse what they do not know."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

_MOST_UNKNOWN_NAMED = 50
_MOST_CHOICES_NAMED = 60


class StrictSerializer(serializers.Serializer[Any]):
    """A request body in which an unknown field is an error, since a misspelt one does nothing."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate the fields, and name each one that is not known."""
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        _name_choices(self.fields.values())
        errors: dict[str, Any] = {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not unknown or not isinstance(error.detail, dict):
                raise
            errors, value = dict(error.detail), None
        for name in sorted(map(str, unknown))[:_MOST_UNKNOWN_NAMED]:
            known = ", ".join(sorted(self.fields))
            errors[name] = [
                serializers.ErrorDetail(f"Unknown field. Known: {known}.", code="unknown_field")
            ]
        if errors:
            raise serializers.ValidationError(errors)
        return value


def _name_choices(fields: Iterable[Any]) -> None:
    """Have each field with choices say what there is to choose from."""
    for field in fields:
        if isinstance(field, serializers.ChoiceField) and len(field.choices) <= _MOST_CHOICES_NAMED:
            known = ", ".join(str(choice) for choice in field.choices if choice != "")
            field.error_messages["invalid_choice"] = f'"{{input}}" is none of {known}.'


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """The same for a model."""


class StrictIntegerField(serializers.IntegerField):
    """A JSON number without a fraction; neither text nor booleans are taken for one."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """True or false: neither a number nor a word that could be read as one of them."""

    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        """Refuse other JSON types."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictUUIDField(serializers.UUIDField):
    """A UUID written as text; a number is not taken for one."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the UUID."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictTextField(serializers.CharField):
    """JSON text; numbers and booleans are not taken for it."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ShownOnceField(serializers.CharField):
    """A secret in an answer: null where that answer is repeated, since it is not stored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            allow_null=True, help_text="Shown once; null in a repeated answer.", **kwargs
        )


class QueryBooleanField(serializers.BooleanField):
    """``true`` or ``false`` in a query; 0, 1, yes and the like are not taken for it."""

    TRUE_VALUES = {"true"}
    FALSE_VALUES = {"false"}


class NothingSerializer(StrictSerializer):
    """The body of a request that takes none: it may be empty, and holds no field."""


class QuerySerializer(StrictSerializer):
    """Query parameters, each given at most once."""

    @classmethod
    def read(cls, params: Any) -> dict[str, Any]:
        """Validate a request's query parameters."""
        given: dict[str, Any] = {}
        for name, values in params.lists():
            if len(values) > 1:
                raise serializers.ValidationError({name: ["Give this parameter once."]})
            given[name] = values[0]
        serializer = cls(data=given)
        serializer.is_valid(raise_exception=True)
        valid: dict[str, Any] = serializer.validated_data
        return valid
