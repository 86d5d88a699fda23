"""Training on a stream: which pairs meet, what counts as a negative, going on after a stop."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.pretraining import (
    MAX_WORDS,
    Batch,
    Pretraining,
    draw_batch,
    pretrain,
    pretraining_loss,
    write_weights,
)
from builders.aerosynth import ClipPlan, render_frames
from dvtr_bench.api.pretraining import fetch_shard
from dvtr_bench.errors import ConfigError, WeightsError
from tests.fixtures.noise_shards import FACTS, ROWS, shard
from tests.fixtures.small_clip import small_encoder

RECIPE = Pretraining(
    **{"steps": 12, "batch_size": 6, "warmup_steps": 2, "stories_a_batch": 2},
    **{"steps_a_shard": 3, "kept_shards": 2, "first_shards": 1, "lenient_steps": 5},
)


def weights(encoder: FrameEncoder) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in encoder.clip.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_batch_holds_pairs_of_few_stories_and_says_what_fits() -> None:
    shards = [shard(0), shard(1)]
    rows = [
        (
            part.pixels[row],
            part.facts[row],
            {tuple(t.tolist()): m for t, m in zip(*captions, strict=True)},
        )
        for part in shards
        for row in range(ROWS)
        for captions in [(part.tokens[row], part.mentioned[row])]
    ]
    for step in range(20):
        batch = draw_batch(shards, RECIPE, step)
        sources = [
            next(source for source in rows if torch.equal(source[0], pixels))
            for pixels in batch.pixels
        ]
        assert len(batch.pixels) == RECIPE.batch_size
        assert len({int(facts[0]) for _, facts, _ in sources}) <= RECIPE.stories_a_batch
        assert len({pixels.numpy().tobytes() for pixels in batch.pixels}) == RECIPE.batch_size
        for i, j in itertools.product(range(RECIPE.batch_size), repeat=2):
            _, facts, captions = sources[i]
            told = captions[tuple(batch.tokens[i].tolist())]
            expected = all(facts[d] == sources[j][1][d] for d in range(FACTS) if told[d])
            assert bool(batch.fits[i, j]) == expected


def test_batches_differ_from_step_to_step_and_are_the_same_every_time() -> None:
    shards = [shard(0), shard(1)]
    first, again, other = (draw_batch(shards, RECIPE, step) for step in (4, 4, 5))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.pixels, other.pixels)


@pytest.mark.parametrize("lenient", [False, True])
def test_the_loss_is_cross_entropy_over_what_is_a_negative(lenient: bool) -> None:
    encoder = small_encoder()
    batch = draw_batch([shard(0), shard(1)], RECIPE, 0)
    frames = torch.nn.functional.normalize(encoder.encode_frames(batch.pixels), dim=-1)
    texts = torch.nn.functional.normalize(encoder.encode_text(batch.tokens)[0], dim=-1)
    logits = (encoder.logit_scale.exp() * texts @ frames.T).tolist()
    size, losses = len(logits), []
    for i in range(size):
        row = [logits[i][j] for j in range(size) if j == i or not batch.fits[i, j]]
        column = [logits[j][i] for j in range(size) if j == i or not (lenient and batch.fits[j, i])]
        losses += [
            torch.logsumexp(torch.tensor(values), 0).item() - logits[i][i]
            for values in (row, column)
        ]
    assert pretraining_loss(encoder, batch, lenient=lenient).item() == pytest.approx(
        sum(losses) / (2 * size), abs=1e-5
    )


def test_with_every_caption_true_of_every_frame_only_frames_choose_among_captions() -> None:
    encoder, batch = small_encoder(), draw_batch([shard(0), shard(1)], RECIPE, 0)
    everything = Batch(batch.pixels, batch.tokens, torch.ones_like(batch.fits))
    frames = torch.nn.functional.normalize(encoder.encode_frames(batch.pixels), dim=-1)
    texts = torch.nn.functional.normalize(encoder.encode_text(batch.tokens)[0], dim=-1)
    logits = encoder.logit_scale.exp() * frames @ texts.T
    v2t = torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)))
    assert pretraining_loss(encoder, everything).item() == pytest.approx(v2t.item() / 2, abs=1e-6)
    assert pretraining_loss(encoder, everything, lenient=True).item() == 0


@pytest.fixture(scope="module")
def without_a_stop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights after a training that nothing stopped."""
    whole = small_encoder()
    pretrain(whole, shard, RECIPE, tmp_path_factory.mktemp("whole"), workers=0, save_every=1)
    return weights(whole)


@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_stopped_training_goes_on_as_without_the_stop(
    tmp_path: Path, without_a_stop: dict[str, torch.Tensor], stop: int
) -> None:
    class StoppedError(Exception): ...

    def stopping(known: dict[str, float]) -> None:
        if known["step"] == stop:
            raise StoppedError

    stopped = small_encoder()
    with pytest.raises(StoppedError):
        pretrain(stopped, shard, RECIPE, tmp_path / "s", workers=0, save_every=1, report=stopping)
    # Other weights to begin with: all comes from the state.
    resumed = small_encoder(seed=9)
    steps: list[float] = []
    pretrain(
        *(resumed, shard, RECIPE, tmp_path / "s"),
        workers=0,
        save_every=1,
        report=lambda known: steps.append(known["step"]),
    )
    assert steps == list(range(stop + 1, RECIPE.steps + 1))
    assert same(weights(resumed), without_a_stop)
    assert not same(without_a_stop, weights(small_encoder()))


def test_a_stop_costs_no_line_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(step: int) -> dict[str, float]:
        return {"square": step**2}

    class StoppedError(Exception): ...

    def stopping(*_: object) -> None:
        raise StoppedError

    def train(name: str) -> str:
        where = small_encoder(), shard, RECIPE, tmp_path / name
        pretrain(*where, workers=0, save_every=1, measure=measure)
        return (tmp_path / name / "log.jsonl").read_text()

    expected = train("a")
    lines = [json.loads(line) for line in expected.splitlines()]
    assert [(line["step"], line["square"]) for line in lines] == [
        (step, step**2) for step in range(1, RECIPE.steps + 1)
    ]

    with monkeypatch.context() as patch:
        patch.setattr("baselines.encoder.pretraining._write_log", stopping)
        with pytest.raises(StoppedError):
            train("b")
    assert (tmp_path / "b" / "state.pt").exists()
    assert train("b") == expected


@pytest.mark.torture
def test_workers_change_nothing(tmp_path: Path) -> None:
    alone, helped = small_encoder(), small_encoder()
    pretrain(alone, shard, RECIPE, tmp_path / "a", workers=0)
    pretrain(helped, shard, RECIPE, tmp_path / "b", workers=2)
    assert same(weights(alone), weights(helped))


def test_a_training_can_be_made_longer_until_its_learning_rate_falls(tmp_path: Path) -> None:
    from dataclasses import replace

    class StoppedError(Exception): ...

    def stop(known: dict[str, float]) -> None:
        if known["step"] == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        pretrain(*(small_encoder(), shard, RECIPE, tmp_path), workers=0, save_every=1, report=stop)
    longer = replace(RECIPE, steps=16)
    pretrain(small_encoder(), shard, longer, tmp_path, workers=0, save_every=1)
    with pytest.raises(ConfigError, match="at step 16, where the learning rate of its 16 steps"):
        pretrain(small_encoder(), shard, replace(RECIPE, steps=40), tmp_path, workers=0)


def test_another_recipe_or_a_damaged_state_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    pretrain(small_encoder(), shard, RECIPE, tmp_path, workers=0)
    with pytest.raises(ConfigError, match="holds a training with other settings"):
        pretrain(small_encoder(), shard, replace(RECIPE, seed=3), tmp_path, workers=0)
    (tmp_path / "state.pt").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"state\.pt cannot be read"):
        pretrain(small_encoder(), shard, RECIPE, tmp_path, workers=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch_size": 1},
        {"decay_fraction": 0.0},
        {"first_shards": 9, "kept_shards": 2},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Pretraining(**wrong)  # type: ignore[arg-type]


def test_weights_are_written_in_half_precision_with_their_recipe(tmp_path: Path) -> None:
    encoder = small_encoder()
    path = write_weights(encoder, RECIPE, tmp_path / "w.safetensors")
    with safe_open(path, "pt") as file:
        assert Pretraining(**json.loads(file.metadata()["recipe"])) == RECIPE
        for name in file.keys():  # noqa: SIM118 - it is no dict
            assert torch.equal(file.get_tensor(name), encoder.clip.state_dict()[name].half())


def test_weights_are_written_the_same_each_time(tmp_path: Path) -> None:
    """The library alone puts what stands in the head into another order each time."""
    encoder = small_encoder()
    written = {
        write_weights(encoder, RECIPE, tmp_path / f"{number}.safetensors").read_bytes()
        for number in range(12)
    }
    assert len(written) == 1


def test_a_shard_of_the_stream_fits_the_towers(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[np.ndarray] = []

    def first_frames(plan: ClipPlan, numbers: list[int]) -> list[np.ndarray]:
        # What frames show is tested where they are made; here all captions and facts matter.
        if not rendered:
            rendered.extend(render_frames(plan, numbers=numbers))
        return rendered

    monkeypatch.setattr("builders.aerosynth.stream.render_frames", first_frames)
    made = fetch_shard(0, image_size=16, seed=0)
    count = len(made.pixels)
    assert made.pixels.shape == (count, 3, 16, 16)
    assert made.tokens.shape == (count, 5, MAX_WORDS)
    # The end of the text is within the tokens: no caption was cut.
    assert (made.tokens.long().max(dim=-1).values == made.tokens.max()).all()
    assert len(made.facts[:, 0].unique()) == 13
    # What a clip says of itself is true of it; the vague caption of one is true of others.
    own = (made.facts[:, None] == made.facts[:, None]) | ~made.mentioned
    assert own.all()
    vague = ((made.facts[0] == made.facts) | ~made.mentioned[0, 0]).all(dim=1).sum()
    exact = ((made.facts[0] == made.facts) | ~made.mentioned[0, 4]).all(dim=1).sum()
    assert vague > exact >= 4
