"""What all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# How long one example takes says nothing on a machine that does other work too.
settings.register_profile("dvtr-bench", deadline=None)
settings.load_profile("dvtr-bench")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests leave in caches, such as which results were checked, out of the home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """Leave it to the system when files reach the disk: only a loss of power would show it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which refuses the same descriptors
        yield
