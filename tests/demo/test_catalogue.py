"""Reading an import's report: the counts that were expected, and nothing else."""

from typing import Any

from demo.catalogue import PRODUCTION_BATCHES, PRODUCTS, report_faults


def report(**counts: int) -> dict[str, Any]:
    none = dict.fromkeys(("inserted", "updated", "unchanged", "errors"), 0)
    return {**none, **counts, "rows": []}


def test_a_report_as_expected_has_no_fault() -> None:
    assert list(report_faults(report(inserted=18), "sku", inserted=18)) == []


def test_every_count_that_differs_is_told() -> None:
    found = list(report_faults(report(updated=1, inserted=17), "sku", inserted=18))
    assert found == ["17 inserted instead of 18", "1 updated instead of 0"]


def test_a_row_in_error_is_told_with_its_line_and_column() -> None:
    answer = report(inserted=17, errors=1)
    fault = {"field": "gtin", "code": "GTIN_INVALID", "message": "Wrong check digit."}
    answer["rows"] = [{"line": 7, "sku": "NH-TEE-001", "outcome": "error", "errors": [fault]}]
    found = list(report_faults(answer, "sku", inserted=18))
    assert found[0] == "line 7 (NH-TEE-001) gtin: Wrong check digit."


def test_rows_are_counted_as_csv_and_not_as_lines() -> None:
    assert PRODUCTS.row_count() == 21
    assert PRODUCTION_BATCHES.row_count() == 16
