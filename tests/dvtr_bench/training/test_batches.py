import numpy as np
import pytest
import torch

from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.training.loop import (
    draw_frames,
    draw_from_intervals,
    epoch_batches,
    epoch_generator,
)
from dvtr_bench.training.recipe import Recipe
from tests.fixtures.toy_training import ToySplit


def batches(recipe, split=None, epoch=0):
    return epoch_batches(split or ToySplit(), recipe, epoch_generator(recipe, epoch))


def test_every_caption_is_a_pair_of_its_own_with_its_own_clip() -> None:
    found = batches(Recipe(batch_size=4))
    assert sorted(c for batch in found for c in batch.captions) == list(range(16))
    for batch in found:
        assert len(set(batch.clips)) == len(batch.clips)
        owners = [batch.clips[place] for place in batch.clip_of_caption]
        assert owners == [caption // 2 for caption in batch.captions]


def test_one_caption_a_video_draws_each_video_once_and_changes_its_caption() -> None:
    recipe = Recipe(batch_size=8, pairs="one_a_video")
    drawn = set()
    for epoch in range(20):
        (batch,) = batches(recipe, epoch=epoch)
        assert sorted(batch.clips) == list(range(8))
        drawn.update(batch.captions)
    assert drawn == set(range(16))


def test_a_short_last_batch_is_left_out_but_never_the_only_one() -> None:
    assert [len(batch.captions) for batch in batches(Recipe(batch_size=6))] == [6, 6]
    assert [len(batch.captions) for batch in batches(Recipe(batch_size=64))] == [16]


def test_the_order_hangs_on_seed_and_epoch_alone() -> None:
    recipe = Recipe(batch_size=4)
    assert batches(recipe) == batches(recipe)
    assert batches(recipe) != batches(recipe, epoch=1)
    assert batches(recipe) != batches(Recipe(batch_size=4, seed=7))


def test_one_pair_is_too_few() -> None:
    split = ToySplit(num_videos=1)
    with pytest.raises(InputError, match="at least two"):
        batches(Recipe(pairs="one_a_video"), split)


def lots(mask, seed):
    return torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed))


def test_frames_are_drawn_in_order_without_repeats_and_padding_last() -> None:
    mask = torch.tensor([[True] * 6, [True, True, True, False, False, False]])
    seen = set()
    for seed in range(30):
        chosen = draw_frames(mask, 3, lots(mask, seed))
        assert (np.diff(chosen.numpy(), axis=1) > 0).all()
        assert chosen[1].tolist() == [0, 1, 2]
        seen.update(chosen[0].tolist())
    assert seen == set(range(6))
    assert draw_frames(mask, 9, lots(mask, 0)).tolist() == [list(range(6))] * 2


@pytest.mark.parametrize(("length", "count"), [(12, 4), (11, 4), (7, 3), (4, 4), (5, 1), (12, 12)])
def test_one_frame_is_drawn_of_each_interval_each_with_the_same_chance(length, count) -> None:
    mask = torch.zeros(1, 12, dtype=torch.bool)
    mask[0, :length] = True
    drawn = torch.cat([draw_from_intervals(mask, count, lots(mask, seed)) for seed in range(400)])
    assert drawn.shape == (400, count)
    for number in range(count):
        # Frame i lies at i/length of the clip, interval k from k/count to (k+1)/count.
        own = [i for i in range(length) if number * length <= i * count < (number + 1) * length]
        shares = np.bincount(drawn[:, number], minlength=12) / 400
        assert set(np.flatnonzero(shares)) == set(own)
        np.testing.assert_allclose(shares[own], 1 / len(own), atol=0.1)


def test_a_clip_with_fewer_frames_than_intervals_gives_all_of_them() -> None:
    mask = torch.tensor([[True] * 6, [True, True, False, False, False, False]])
    drawn = draw_from_intervals(mask, 3, lots(mask, 1))
    assert drawn[1].tolist() == [0, 1, 2], "the third is padding"
    assert drawn[0, 0] < 2 <= drawn[0, 1] < 4 <= drawn[0, 2]
    assert draw_from_intervals(mask, 9, lots(mask, 1))[0].tolist() == list(range(6))


def test_intervals_need_a_number() -> None:
    with pytest.raises(ConfigError, match="frames_a_step"):
        Recipe(draw="intervals")
    with pytest.raises(ConfigError, match="draw must be one of"):
        Recipe(draw="nowhere", frames_a_step=2)
