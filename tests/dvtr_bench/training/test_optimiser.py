import math

import pytest
import torch

from dvtr_bench.errors import ConfigError
from dvtr_bench.training import optimiser
from dvtr_bench.training.optimiser import BertAdam, new_optimiser
from dvtr_bench.training.recipe import Recipe


def naive_bert_adam(values, gradients, *, lr, beta1, beta2, epsilon, weight_decay):
    """The formula, one number at a time."""
    means, squares = [0.0] * len(values), [0.0] * len(values)
    for step in gradients:
        for place, gradient in enumerate(step):
            means[place] = beta1 * means[place] + (1 - beta1) * gradient
            squares[place] = beta2 * squares[place] + (1 - beta2) * gradient * gradient
            update = means[place] / (math.sqrt(squares[place]) + epsilon)
            update += weight_decay * values[place]
            values[place] -= lr * update
    return values


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_agrees_with_the_formula(weight_decay) -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, generator=generator, dtype=torch.float64)
    gradients = torch.randn(7, 5, generator=generator, dtype=torch.float64)
    settings = {"lr": 0.01, "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-6}
    parameter = torch.nn.Parameter(start.clone())
    bert_adam = BertAdam([{"params": [parameter]}], weight_decay=weight_decay, **settings)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        bert_adam.step()
    expected = naive_bert_adam(
        start.tolist(), gradients.tolist(), weight_decay=weight_decay, **settings
    )
    torch.testing.assert_close(parameter.detach(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_pass_agrees_with_array_operations(monkeypatch, weight_decay, threads) -> None:
    monkeypatch.setattr(optimiser, "_LEAST_SHARED", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(33, 7, generator=generator)
    # A transposed parameter is left to array operations.
    both = [torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.T.contiguous().T)]
    settings = {"lr": 0.01, "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-6}
    bert_adam = BertAdam([{"params": both}], weight_decay=weight_decay, **settings)
    for step in range(5):
        gradient = torch.randn(33, 7, generator=generator) * 10.0 ** (-3 * step)
        gradient[:5] = 0.0
        for parameter in both:
            parameter.grad = gradient.clone()
        bert_adam.step()
    torch.testing.assert_close(both[0], both[1], atol=1e-6, rtol=1e-6)
    assert (both[0][5:] - start[5:]).abs().min() > 1e-4
    for name in ("mean", "square"):
        one, other = (bert_adam.state[parameter][name] for parameter in both)
        torch.testing.assert_close(one, other, atol=0, rtol=1e-6)


def test_the_first_step_is_not_corrected_for_bias() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    bert_adam = BertAdam(
        [{"params": [parameter]}], lr=1.0, beta1=0.9, beta2=0.98, epsilon=0.0, weight_decay=0.0
    )
    parameter.grad = torch.ones(1)
    bert_adam.step()
    # With bias correction it would be -1.
    assert parameter.item() == pytest.approx(-0.1 / math.sqrt(0.02))


def test_the_stand_in_is_torchs_and_corrects_the_bias() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    groups = [{"params": [parameter], "lr": 0.5, "weight_decay": 0.0}]
    adamw = new_optimiser(groups, Recipe(optimiser="adamw"))
    assert type(adamw) is torch.optim.AdamW
    assert adamw.defaults["betas"] == (0.9, 0.98)
    assert adamw.defaults["eps"] == 1e-6
    parameter.grad = torch.ones(1)
    adamw.step()
    assert parameter.item() == pytest.approx(-0.5)


def test_the_learning_rate_rises_then_falls_as_half_a_cosine() -> None:
    recipe = Recipe(warmup_fraction=0.1)
    factors = [recipe.learning_rate_factor(step, 100) for step in range(101)]
    assert factors[:3] == pytest.approx([0.0, 0.1, 0.2])
    assert factors[50] == pytest.approx(0.5)
    assert factors[10] == pytest.approx(0.5 * (1 + math.cos(0.1 * math.pi)))
    assert factors[100] == pytest.approx(0.0)
    assert Recipe(warmup_fraction=0.0).learning_rate_factor(0, 100) == 1.0


def test_the_default_recipe_is_that_of_the_release() -> None:
    recipe = Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (5, 64, 42)
    assert (recipe.learning_rate, recipe.backbone_learning_rate) == (1e-4, 1e-7)
    assert (recipe.beta1, recipe.beta2, recipe.epsilon) == (0.9, 0.98, 1e-6)
    assert (recipe.weight_decay, recipe.warmup_fraction) == (0.2, 0.1)
    assert (recipe.max_grad_norm, recipe.max_logit_scale) == (1.0, math.log(100))
    assert (recipe.freeze, recipe.frozen_layers) == ("nothing", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"seed": -1},
        {"learning_rate": -1.0},
        {"learning_rate": math.nan},
        {"beta1": 1.0},
        {"epsilon": 0.0},
        {"warmup_fraction": 1.0},
        {"frames_a_step": 0},
        {"micro_batch_size": 0},
        {"patience": 0},
        {"optimiser": "sgd"},
        {"pairs": "some"},
        {"freeze": "everything"},
        {"autocast": "int8"},
    ],
)
def test_values_out_of_range_are_named(wrong) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Recipe(**wrong)
