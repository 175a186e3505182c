"""What is said of a unit in each of its states."""

from datetime import UTC, date, datetime

import pytest
from django.utils.translation import override

from minting.states import ActivationMode, RevocationReason, UnitStatus
from resolver.finding import NOTHING, Finding
from resolver.languages import OFFERED
from resolver.verdicts import Tone, UnitState, moment_of, verdicts

WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
FIRST = Finding(is_first_scan=True)


def state(status: UnitStatus, reason: str | None = None, mode=ActivationMode.FIRST_SCAN):
    return UnitState("Nordhav", status, mode, WHEN if status else None, reason)


@pytest.mark.parametrize(
    ("unit", "finding", "tone", "head"),
    [
        (state(UnitStatus.ACTIVE), FIRST, Tone.GOOD, "Genuine and first scanned now."),
        (state(UnitStatus.ACTIVE), NOTHING, Tone.CALM, "Scanned before."),
        (
            state(UnitStatus.ACTIVE, mode=ActivationMode.ACTIVE_AT_MINT),
            NOTHING,
            Tone.GOOD,
            "Valid.",
        ),
        (state(UnitStatus.MINTED), NOTHING, Tone.CALM, "Not active yet."),
        (state(UnitStatus.MINTED), FIRST, Tone.CALM, "Not active yet."),
        (state(UnitStatus.REVOKED), NOTHING, Tone.BAD, "Revoked."),
        (state(UnitStatus.REVOKED), FIRST, Tone.BAD, "Revoked."),
        (state(UnitStatus.REVOKED, "spoiled"), NOTHING, Tone.BAD, "Voided."),
        (state(UnitStatus.REVOKED, "end_of_life"), NOTHING, Tone.WARN, "End of life."),
    ],
)
def test_the_verdict_goes_by_the_stored_state_first(unit, finding, tone, head):
    (verdict,) = verdicts(unit, finding)
    assert (verdict.tone, verdict.head) == (tone, head)
    assert verdict.words


@pytest.mark.parametrize("reason", RevocationReason)
def test_every_reason_for_a_revocation_tells_what_to_do(reason):
    (verdict,) = verdicts(state(UnitStatus.REVOKED, reason), NOTHING)
    assert verdict.tone in {Tone.BAD, Tone.WARN}
    assert verdict.advice


def test_an_expired_item_is_said_to_be_so_beside_its_state():
    first, second = verdicts(state(UnitStatus.ACTIVE), NOTHING, date(2025, 1, 31))
    assert first.head == "Scanned before."
    assert (second.tone, second.head) == (Tone.WARN, "Expired.")
    assert "31 January 2025" in second.words


@pytest.mark.parametrize("language", OFFERED)
def test_every_language_says_who_issued_the_code_and_when(language):
    with override(language):
        (verdict,) = verdicts(state(UnitStatus.ACTIVE), NOTHING)
        assert "Nordhav" in verdict.words
        assert "%(" not in verdict.words + verdict.advice
        assert "2026" in verdict.words


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "4 March 2026, 05:06 UTC"),
        ("de", "4. März 2026, 05:06 UTC"),
        ("es", "4 de marzo de 2026, 05:06 UTC"),
        ("pl", "4 marca 2026, 05:06 UTC"),
        ("ar", "4 مارس 2026، 05:06 UTC"),
    ],
)
def test_moments_are_written_as_the_language_writes_them(language, written):
    with override(language):
        assert moment_of(WHEN) == written
