"""One dev chain for the tests that need no other."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.devchains import Devchain


@pytest.fixture(scope="session")
def devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A chain of quick slots that outlives the test."""
    chain = Devchain(tmp_path_factory.mktemp("devchain"))
    chain.start()
    yield chain
    chain.kill()


@pytest.fixture(scope="session")
def programs_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A chain of quick slots with Bubblegum in it, for tests marked ``programs``."""
    programs = Path(os.environ["DEVCHAIN_PROGRAMS_DIR"])
    chain = Devchain(tmp_path_factory.mktemp("programs"), programs=programs)
    chain.start()
    yield chain
    chain.kill()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the dumps of programs where there are none."""
    if os.environ.get("DEVCHAIN_PROGRAMS_DIR"):
        return
    missing = pytest.mark.skip(reason="DEVCHAIN_PROGRAMS_DIR names no folder of program dumps")
    for item in items:
        if item.get_closest_marker("programs"):
            item.add_marker(missing)
