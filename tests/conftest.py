"""What all rooms' tests share: one process that has imported Terrace, and the long files first, so that none ends alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.process import tell_libraries
from tests.warm import Warm

tell_libraries()  # as the command line does


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Runs programs in processes of their own without paying for imports each time."""
    process = Warm()
    yield process
    process.end()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files marked as slow are begun first, in whatever order chance has put them; a file's tests stay together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
