"""docs/states.md lists the states and steps that the code and the database know."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import models

from exports.models import TRANSITIONS, PackBuild, PackStatus, PayloadPack
from minting.models import MintBatch, MintJob
from minting.states import (
    ASSET_TRANSITIONS,
    BATCH_TRANSITIONS,
    DRIFT_TRANSITIONS,
    JOB_TRANSITIONS,
    METADATA_TRANSITIONS,
    PHYSICAL_TRANSITIONS,
    PROOF_TRANSITIONS,
    RUN_TRANSITIONS,
    SUBMISSION_TRANSITIONS,
    TRANSACTION_TRANSITIONS,
    TREE_TRANSITIONS,
    AssetStatus,
    BatchStatus,
    DriftStatus,
    JobStatus,
    MetadataStatus,
    PhysicalStatus,
    Priority,
    ProductionBatchStatus,
    ProofStatus,
    RevocationStatus,
    RunStatus,
    SubmissionStatus,
    TransactionStatus,
    TreeStatus,
    UnitStatus,
)
from tests.docs.markdown import names_in, rows, section, text_of

TEXT = text_of("states.md")
# The database refuses a lower value and nothing else.
UNIT_TRANSITIONS = {start: tuple(end for end in UnitStatus if end > start) for start in UnitStatus}
REVOCATION_TRANSITIONS = {
    RevocationStatus.PENDING: (RevocationStatus.COMPLETED,),
    RevocationStatus.COMPLETED: (),
}
# The ERP's word is taken: from any state to any other.
PRODUCTION_BATCH = "Production batch"
PRODUCTION_BATCH_TRANSITIONS = {
    start: tuple(end for end in ProductionBatchStatus if end != start)
    for start in ProductionBatchStatus
}
MACHINES: dict[str, tuple[type[models.Choices], Mapping[Any, tuple[Any, ...]]]] = {
    "Mint job": (JobStatus, JOB_TRANSITIONS),
    "Mint batch": (BatchStatus, BATCH_TRANSITIONS),
    "Labels of a batch": (PhysicalStatus, PHYSICAL_TRANSITIONS),
    PRODUCTION_BATCH: (ProductionBatchStatus, PRODUCTION_BATCH_TRANSITIONS),
    "Unit": (UnitStatus, UNIT_TRANSITIONS),
    "Revocation": (RevocationStatus, REVOCATION_TRANSITIONS),
    "Proof": (ProofStatus, PROOF_TRANSITIONS),
    "Submission to a chain": (SubmissionStatus, SUBMISSION_TRANSITIONS),
    "Transaction": (TransactionStatus, TRANSACTION_TRANSITIONS),
    "Tree": (TreeStatus, TREE_TRANSITIONS),
    "Asset": (AssetStatus, ASSET_TRANSITIONS),
    "Metadata document": (MetadataStatus, METADATA_TRANSITIONS),
    "Reconciliation": (RunStatus, RUN_TRANSITIONS),
    "Drift": (DriftStatus, DRIFT_TRANSITIONS),
    "Pack build": (PackStatus, TRANSITIONS),
    "Pack": (PackStatus, TRANSITIONS),
}


def named(state: Any) -> str:
    """Return a state as people write it."""
    return str(state.label if isinstance(state, UnitStatus) else state.value)


def documented(title: str) -> dict[str, list[str]]:
    return {names_in(row[0])[0]: names_in(row[-1]) for row in rows(section(TEXT, title), "state")}


@pytest.mark.parametrize("title", MACHINES)
def test_every_state_is_listed_in_its_order(title: str) -> None:
    states, _ = MACHINES[title]

    assert list(documented(title)) == [named(state) for state in states]


@pytest.mark.parametrize("title", MACHINES)
def test_steps_are_those_of_the_code(title: str) -> None:
    _, transitions = MACHINES[title]
    expected = {named(start): {named(end) for end in ends} for start, ends in transitions.items()}

    assert {state: set(ends) for state, ends in documented(title).items()} == expected


@pytest.mark.parametrize("title", MACHINES)
def test_a_state_without_a_step_says_so(title: str) -> None:
    for row in rows(section(TEXT, title), "state"):
        assert (row[-1] == "none") == (not names_in(row[-1]))


def test_stored_values_of_units_are_those_of_the_code() -> None:
    stored = {names_in(row[0])[0]: row[1] for row in rows(section(TEXT, "Unit"), "state")}

    assert stored == {named(state): str(state.value) for state in UnitStatus}


@pytest.mark.parametrize(
    ("title", "choices"), [("Mint job", Priority), ("Labels of a batch", PhysicalStatus)]
)
def test_priorities_and_physical_states_are_listed(title: str, choices: Any) -> None:
    names = {str(one.label if choices is Priority else one.value) for one in choices}

    assert names <= set(names_in(section(TEXT, title)))


@pytest.mark.parametrize("model", [MintJob, MintBatch, PackBuild, PayloadPack])
def test_database_refuses_every_other_step(model: type[models.Model]) -> None:
    names = {trigger.name for trigger in model._meta.triggers}  # type: ignore[attr-defined]

    assert "legal_status" in names
