"""Serializer fields that follow the catalogue's value rules."""

from rest_framework import serializers

from minting.catalogue.values import InvalidValue, line_of_text
from tieback.api.fields import StrictTextField


class LineField(StrictTextField):
    """One line of text, as a SKU or a name."""

    def to_internal_value(self, data: object) -> str:
        """Return the line without blanks around it."""
        text = super().to_internal_value(data)
        try:
            return line_of_text(text, self.max_length or len(text))
        except InvalidValue as error:
            raise serializers.ValidationError(error.message, code=error.code) from error
