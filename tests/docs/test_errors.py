"""docs/errors.md lists every code that the code can answer, and none that it cannot."""

from minting.lots import _MESSAGES
from minting.preflight import BLOCKING_CODES
from minting.serial_rules import SerialRule, rule_reasons
from tests.docs.codes import answers, field_codes
from tests.docs.markdown import names_in, rows, section, text_of

TEXT = text_of("errors.md")
ANSWERS = "Answers"
BLOCKED = "Reasons why a mint request is blocked"
PROBLEMS = "Faults of lots and serials"
FIELDS = "Faults of fields"
#: Each breaks the rules of a sequence in another way.
BAD_RULES = (SerialRule(" ", 4, 1), SerialRule("NORDHAV-", 18, 1), SerialRule("", 1, 9))


def problems_of_rules() -> set[str]:
    """Return every problem a sequence of serials can have."""
    reasons = [reason for rule in BAD_RULES for reason in rule_reasons(rule, 5)]
    return {fault["problem"] for reason in reasons for fault in (reason.detail or {})["faults"]}


def documented(title: str, column: str = "code") -> dict[str, list[str]]:
    """Return the rows of a table by their code, each of which stands there once."""
    found = rows(section(TEXT, title), column)
    by_code = {names_in(row[0])[0]: row[1:] for row in found}
    assert len(by_code) == len(found)
    return by_code


def test_every_answer_is_listed_with_its_status_and_no_other_is() -> None:
    statuses = {code: {int(row[0])} for code, row in documented(ANSWERS).items()}
    assert statuses == answers()


def test_every_reason_is_listed_with_the_remedy_of_the_code() -> None:
    remedies = {code: row[-1] for code, row in documented(BLOCKED).items()}
    assert remedies == BLOCKING_CODES


def test_every_fault_of_a_field_is_listed_and_no_other_is() -> None:
    listed = set(documented(FIELDS)) | set(documented(BLOCKED))
    assert listed == field_codes() | set(BLOCKING_CODES)


def test_every_fault_of_a_lot_or_a_serial_is_listed_and_no_other_is() -> None:
    assert set(documented(PROBLEMS, "problem")) == _MESSAGES.keys() | problems_of_rules()


def test_every_code_says_when_it_is_met_and_what_to_do() -> None:
    tables = [documented(title) for title in (ANSWERS, BLOCKED, FIELDS)]
    for table in (*tables, documented(PROBLEMS, "problem")):
        for code, row in table.items():
            assert all(row), code


def test_the_search_finds_codes_of_each_kind() -> None:
    """Were the syntax trees read wrongly, the comparison above could pass for two empty sets."""
    assert {"TAKEN", "UNKNOWN_FIELD", "INVALID_TYPE", "NOT_A_LIST", "ENCODING"} <= field_codes()
    assert {"NOT_FOUND", "MINT_BLOCKED", "PACK_NOT_READY", "ANSWER_NOT_KEPT"} <= set(answers())
