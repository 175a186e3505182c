"""What differs between two passports, and that the differences lead from one to the other."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from minting.catalogue.differences import Difference, Kind, differences

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "~", "/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "~0", "x/y", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
passports = st.dictionaries(st.sampled_from(["name", "size", "a/b", "~1"]), values, max_size=4)


def told(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(d.path, d.kind.value, d.before, d.after) for d in differences(before, after)]


def test_equal_passports_do_not_differ():
    assert told({"a": {"b": [1, {"c": None}]}}, {"a": {"b": [1, {"c": None}]}}) == []


def test_a_field_is_added_removed_or_changed():
    assert told({"gone": 1, "stays": 2, "other": 3}, {"new": None, "stays": 2, "other": "3"}) == [
        ("/gone", "removed", 1, None),
        ("/new", "added", None, None),
        ("/other", "changed", 3, "3"),
    ]


def test_a_difference_is_told_where_it_is():
    before = {"address": {"city": "Skagen", "country": "DK"}, "fibres": [{"share": 60}, 1]}
    after = {"address": {"city": "Ribe", "country": "DK"}, "fibres": [{"share": 61}]}
    assert told(before, after) == [
        ("/address/city", "changed", "Skagen", "Ribe"),
        ("/fibres/0/share", "changed", 60, 61),
        ("/fibres/1", "removed", 1, None),
    ]


def test_another_shape_is_one_change():
    assert told({"a": [1]}, {"a": {"0": 1}}) == [("/a", "changed", [1], {"0": 1})]


def test_true_is_not_one_but_one_is_one_point_nought():
    assert told({"a": True, "b": 1}, {"a": 1, "b": 1.0}) == [("/a", "changed", True, 1)]


def test_slash_and_tilde_in_a_name_are_escaped():
    (difference,) = differences({}, {"a/b~c": 1})
    assert (difference.path, difference.field) == ("/a~1b~0c", "a/b~c")


def apply(passport: dict[str, Any], difference: Difference) -> None:
    steps = [s.replace("~1", "/").replace("~0", "~") for s in difference.path.split("/")[1:]]
    parent: Any = passport
    for step in steps[:-1]:
        parent = parent[int(step)] if isinstance(parent, list) else parent[step]
    last: Any = int(steps[-1]) if isinstance(parent, list) else steps[-1]
    if difference.kind is Kind.REMOVED:
        del parent[last]
    elif isinstance(parent, list) and difference.kind is Kind.ADDED:
        parent.insert(last, difference.after)
    else:
        parent[last] = difference.after


@given(passports, passports)
def test_the_differences_lead_from_one_passport_to_the_other(before, after):
    found = list(differences(before, after))
    result = copy.deepcopy(before)
    for difference in [d for d in found if d.kind is not Kind.REMOVED]:
        apply(result, difference)
    for difference in reversed([d for d in found if d.kind is Kind.REMOVED]):
        apply(result, difference)
    assert list(differences(result, after)) == []
    assert bool(found) == bool(list(differences(after, before)))
