"""One dev chain for the tests that need no other."""

from collections.abc import Iterator

import pytest

from tests.chain.devchains import Devchain


@pytest.fixture(scope="session")
def devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A chain of quick slots that outlives the test."""
    chain = Devchain(tmp_path_factory.mktemp("devchain"))
    chain.start()
    yield chain
    chain.kill()
