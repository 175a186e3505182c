"""Thousands of requests that nobody thought of, each answered as the API's description says."""

import os
from collections.abc import Callable

import pytest

from tests.fuzz.conftest import Application
from tests.fuzz.contract import run
from tests.platform.conftest import TwoBrands
from tests.shares import SEED, SHARE

EXAMPLES = int(os.environ.get("TIEBACK_FUZZ_EXAMPLES", "3"))
AT_LEAST = int(os.environ.get("TIEBACK_FUZZ_AT_LEAST", "700"))


@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
def test_every_generated_request_is_answered_as_described(
    application: Application,
    owner: dict[str, str],
    two_brands: TwoBrands,
    tell: Callable[[object], None],
):
    workspace = {"header.X-Workspace-Id": str(two_brands.own.world.brand.id)}
    findings = run(
        application,
        headers=owner,
        parameters=workspace,
        seed=SEED,
        examples=EXAMPLES,
        share=SHARE,
    )
    tell(findings)
    faults = "\n".join(findings.faults.values())
    assert not findings.faults, f"TIEBACK_FUZZ_SEED={SEED} finds again:\n{faults}"
    assert not findings.unreached, "these operations were only ever turned away from"
    assert findings.total >= AT_LEAST
