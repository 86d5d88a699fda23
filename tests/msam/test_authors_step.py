"""Our training step against the authors', written from their statement: loss, gradients, update."""

import pytest
import torch

from dvtr_bench.training.optimiser import new_optimiser, parameter_groups, trained_parameters
from dvtr_bench.training.recipe import Recipe
from msam.models.msam import Model
from tests.fixtures.small_clip import SMALL_CONFIG, on_small_encoder
from tests.oracles.authors_step import AuthorsStep

CAPTIONS = ["a boat", "two boats near a pier", "three red boats", "many boats on a wide river"]


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)


def test_a_step_is_the_authors_step() -> None:
    torch.manual_seed(0)
    model = on_small_encoder(Model, padding="release", max_words=12).eval()
    recipe = Recipe(learning_rate=1e-3, backbone_learning_rate=1e-4, max_grad_norm=1.0)
    names = trained_parameters(model, recipe)
    groups = parameter_groups(model, names, recipe)
    rates = {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    tokens = model.tokenize(CAPTIONS)
    pixels = torch.randint(0, 256, (4, 4, 3, 32, 32)).to(torch.uint8)
    mask = torch.ones(4, 4, dtype=torch.bool)
    mean, std = model.encoder.pixel_mean, model.encoder.pixel_std
    normalised = (pixels.float() / 255 - mean) / std

    frames = model.encode_frames({"pixels": pixels, "frame_mask": mask})
    loss = model.training_loss(tokens, frames)["loss"]
    expected = AuthorsStep(model, rates, rates).loss(tokens, normalised, mask)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)

    twin = on_small_encoder(Model, padding="release", max_words=12).eval()
    twin.load_state_dict(model.state_dict())
    authors = AuthorsStep(twin, rates, rates)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(names, recipe.max_grad_norm)
    before = {name: parameter.detach().clone() for parameter, name in names.items()}
    new_optimiser(groups, recipe).step()
    authors.step(tokens, normalised, mask)
    for parameter, name in names.items():
        ours, theirs = parameter.detach() - before[name], authors.parameters[name] - before[name]
        # Where a gradient is 0 but for rounding, Adam makes a step of any size of it.
        clear = parameter.grad.abs() > 1e-6
        torch.testing.assert_close(ours[clear], theirs.detach()[clear], atol=1e-6, rtol=2e-2)
