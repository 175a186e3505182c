"""Lists: which filters and orderings a list takes, declared once and turned into keyset queries.

A list's query is a serializer. Its fields are the filters; ``filters`` says what each of them means
for the rows, ``orderings`` which orders may be asked for. A cursor is signed for the ordering and
the filters it was made under, so a page never goes on in another list than it began in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from tieback.api.fields import QuerySerializer
from tieback.api.pagination import DEFAULT_PAGE, LARGEST_PAGE, NEWEST_FIRST, page_of
from tieback.api.views import enveloped

#: What a filter means: the lookup its value is compared by, or a function of the value.
Meaning = str | Callable[[Any], Q]
Orderings = Mapping[str, tuple[str, ...]]


def ordered_by(*columns: str, last: str = "id") -> dict[str, tuple[str, ...]]:
    """Return both directions of each column; the first column's descending one is the default.

    ``last`` tells rows apart that agree in the column; it goes the same way, so that one index
    serves both directions.
    """
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        found[f"-{column}"] = (f"-{column}", f"-{last}")
        found[column] = (column, last)
    return found


@dataclass(frozen=True)
class Listing:
    """A list's validated query: which rows, in which order, from where on."""

    name: str
    condition: Q
    keys: tuple[str, ...]
    cursor: str | None
    size: int
    asked: tuple[str, ...]

    def page(self, rows: QuerySet[Any], *, of: object = "") -> tuple[list[Any], dict[str, Any]]:
        """Return a page of ``rows`` and its meta; ``of`` is what the path names, if anything."""
        return page_of(
            rows.filter(self.condition),
            keys=self.keys,
            cursor=self.cursor,
            size=self.size,
            name=self.name,
            asked=(*self.asked, f"of={of}"),
        )


class FilterQuery(QuerySerializer):
    """Query parameters that narrow rows; ``filters`` gives each field its meaning."""

    filters: ClassVar[Mapping[str, Meaning]] = {}
    _meanings: ClassVar[dict[str, Meaning]] = {}
    _others: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a filter without a meaning: it would be taken and narrow nothing."""
        super().__init_subclass__(**kwargs)
        cls._meanings = {}
        for base in reversed(cls.__mro__):
            cls._meanings |= vars(base).get("filters", {})
        unmatched = (cls._declared_fields.keys() - cls._others) ^ cls._meanings.keys()
        if unmatched:
            raise TypeError(f"{cls.__name__}: filters and fields differ in {sorted(unmatched)}")

    @classmethod
    def chosen(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the filters among validated parameters."""
        return {name: values[name] for name in cls._meanings if name in values}

    @classmethod
    def condition(cls, values: Mapping[str, Any]) -> Q:
        """Return what the filters among validated parameters demand together."""
        condition = Q()
        for name, value in cls.chosen(values).items():
            meaning = cls._meanings[name]
            condition &= Q(**{meaning: value}) if isinstance(meaning, str) else meaning(value)
        return condition


class ListQuery(FilterQuery):
    """The parameters every list takes; a list adds its filters and orderings."""

    orderings: ClassVar[Orderings] = {"-created_at": NEWEST_FIRST}
    _others = frozenset({"cursor", "page_size"})

    cursor = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="`meta.next_cursor` of the page before; holds for the same filters and ordering.",
    )
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_PAGE, default=DEFAULT_PAGE
    )

    def get_fields(self) -> dict[str, Any]:
        """Offer the orderings beside the declared fields, the first one as the default."""
        names = list(self.orderings)
        fields: dict[str, Any] = dict(super().get_fields())
        fields["ordering"] = serializers.ChoiceField(
            choices=names, required=False, default=names[0], help_text="A minus means descending."
        )
        return fields

    @classmethod
    def listing(cls, params: Any) -> Listing:
        """Validate a request's query parameters."""
        values = cls.read(params)
        asked = [f"{name}={_told(value)}" for name, value in sorted(cls.chosen(values).items())]
        return Listing(
            name=cls.__name__,
            condition=cls.condition(values),
            keys=cls.keys(values),
            cursor=values.get("cursor"),
            size=int(values["page_size"]),
            asked=(f"ordering={values['ordering']}", *asked),
        )

    @classmethod
    def keys(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the columns of the ordering asked for; together they tell any two rows apart."""
        return cls.orderings[values["ordering"]]


class CreatedQuery(ListQuery):
    """A list of what was created at some time."""

    filters = {"created_after": "created_at__gte", "created_before": "created_at__lt"}

    created_after = serializers.DateTimeField(required=False, help_text="This moment or later.")
    created_before = serializers.DateTimeField(required=False, help_text="Before this moment.")


def listed(
    query: type[ListQuery],
    params: Any,
    rows: QuerySet[Any],
    shown: type[serializers.BaseSerializer[Any]],
    *,
    of: object = "",
    **meta: Any,
) -> Response:
    """Answer with one page of ``rows``, each as its serializer shows it."""
    page, paging = query.listing(params).page(rows, of=of)
    return enveloped(shown(page, many=True).data, **paging, **meta)


def _told(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
