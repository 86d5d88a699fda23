"""Copies of a model share the memory of its weights, and nothing else."""

import pytest
import torch
from torch import nn

from dvtr_bench.errors import ProtocolError
from dvtr_bench.evaluation.untouched import Untouched
from tests.fixtures.cheated import cheated_split, records_of
from tests.fixtures.memory_split import HonestModel


class Weighed(HonestModel, nn.Module):
    """Has weights, a buffer and tied weights."""

    name = "weighed"

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.arange(200_000, dtype=torch.float32))
        self.tied = nn.ParameterList([self.weight])
        self.turned = nn.Parameter(torch.ones(3, 5, dtype=torch.bfloat16).T)
        self.register_buffer("seen", torch.zeros(4))


def test_weights_are_shared_by_memory_and_not_by_object() -> None:
    model = Weighed()
    with Untouched(model).model() as copy:
        assert copy.weight is not model.weight
        assert copy.tied[0] is copy.weight
        for name in ("weight", "turned"):
            assert getattr(copy, name).data_ptr() == getattr(model, name).data_ptr()
        assert copy.seen.data_ptr() != model.seen.data_ptr()
        model.weight.notes = "on the object"
        assert not hasattr(copy.weight, "notes")


@pytest.mark.parametrize("change", ["one number of many", "its bits alone", "in half precision"])
def test_weights_that_change_are_found_wherever_they_do(change) -> None:
    model = Weighed()
    untouched = Untouched(model)
    with torch.no_grad():
        if change == "one number of many":
            model.weight[12_345] += 1
        elif change == "its bits alone":
            model.weight[0] = -model.weight[0]  # 0.0 becomes -0.0
        else:
            model.turned[2, 1] = 2
    with pytest.raises(ProtocolError, match="its copy changed while the model ran"):
        untouched.model().__enter__()


def test_weights_that_move_elsewhere_are_no_change() -> None:
    model = Weighed()
    untouched = Untouched(model)
    model.weight.data = model.weight.data.clone()
    with untouched.model() as copy:
        assert torch.equal(copy.weight, model.weight)


class WritesItDown(Weighed):
    """Keeps in its weights what it was asked, where a sample of them would not look."""

    def score(self, texts, videos):
        with torch.no_grad():
            self.weight[7] += texts["text_embeds"].sum()
        return super().score(texts, videos)


def test_a_model_that_keeps_notes_in_its_weights_is_refused() -> None:
    with pytest.raises(ProtocolError, match="its copy changed while the model ran"):
        records_of(WritesItDown(), cheated_split())
    assert records_of(Weighed(), cheated_split())
