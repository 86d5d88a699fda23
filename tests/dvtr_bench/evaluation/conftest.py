"""A split in memory and models to evaluate on it."""

import pytest

from tests.fixtures.memory_split import WORDS, BlockModel, HonestModel, MemorySplit


@pytest.fixture
def split():
    return MemorySplit(
        [[f"{WORDS[(3 * v + n) % 8]} {WORDS[n]} {v}" for n in range(3)] for v in range(40)]
    )


@pytest.fixture
def memory_split():
    return MemorySplit


@pytest.fixture
def honest_model():
    return HonestModel


@pytest.fixture
def block_model():
    return BlockModel
