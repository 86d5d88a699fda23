"""A built dataset of a few clips, one copy a test."""

import pytest

from tests.fixtures.tiny_dataset import build_tiny, copy_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def built(tiny, tmp_path):
    return copy_tiny(tiny, tmp_path)
