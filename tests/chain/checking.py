"""The independent checker, asked about the test's database and its chain."""

from contextlib import closing
from typing import Any

from chaos.checker import CHECKS, Evidence
from tests.chain.devchains import Devchain
from tests.planes import acting_as
from tieback.startup import open_session


def problems_found(chain: Devchain, invariant: str) -> list[str]:
    """Return what the checker finds broken of an invariant."""

    def ask(method: str, params: list[Any]) -> Any:
        return chain.told(method, *params)

    with acting_as("console"), closing(open_session()) as database:
        return CHECKS[invariant](Evidence(database, chain=ask))
