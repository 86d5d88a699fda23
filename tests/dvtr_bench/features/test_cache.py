"""Features are computed once, never used when damaged, and the same as without a cache."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.features.cache import FOLDER
from dvtr_bench.features.encode_split import encode_split
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from tests.fixtures.encoding import assert_same, counting, encode
from tests.fixtures.tiny_dataset import NUM_TEST, small_model


def entries(built):
    return sorted(path.parent for path in built.folder.parent.glob(f"{FOLDER}/*/*/entry.json"))


def entry_of(built, side):
    return next(path for path in entries(built) if f"-{side}-" in path.name)


@pytest.mark.parametrize(
    "name", ["clip4clip_meanp", "clip4clip_seqtransf", "msam", "clip_zeroshot"]
)
def test_kept_features_are_those_computed_to_the_bit(built, name) -> None:
    model = counting(small_model(name))
    without = encode(model, built, cache=False)
    assert entries(built) == []
    model.calls.clear()
    first = encode(model, built)
    assert model.calls == {"backbone_videos": 3, "backbone_texts": 3}
    second = encode(model, built)
    assert model.calls == {"backbone_videos": 3, "backbone_texts": 3}
    assert_same(without, first)
    assert_same(without, second)
    assert first.frames_per_video == 12


@pytest.mark.parametrize("name", ["clip4clip_seqtransf", "msam"])
def test_ranks_and_checks_are_the_same_with_and_without(built, name) -> None:
    def records(cache):
        config = EvaluationConfig(
            text_batch=8, video_batch=4, cache=cache, bootstrap=BootstrapConfig(resamples=100)
        )
        done = evaluate(small_model(name), built.split("test"), config=config, show_progress=False)
        return [record.rank_table.ranks for record in done.records]

    plain = records(False)
    for cached in (records(True), records(True)):
        for ours, theirs in zip(cached, plain, strict=True):
            for direction, found in theirs.items():
                for relevance, ranks in found.items():
                    assert np.array_equal(ours[direction][relevance].pessimistic, ranks.pessimistic)
                    assert np.array_equal(ours[direction][relevance].optimistic, ranks.optimistic)


def test_the_honesty_checks_catch_features_that_are_not_the_models(built) -> None:
    from dvtr_bench.errors import ProtocolError

    class Cheat(type(small_model())):
        def feature_key(self, side):
            return {"says": "always the same"}

    def cheat(seed):
        model = small_model(seed=seed)
        model.__class__ = Cheat
        return model

    encode(cheat(0), built)
    config = EvaluationConfig(text_batch=8, video_batch=4, cache=True)
    with pytest.raises(ProtocolError, match="encoded in other batches"):
        evaluate(cheat(1), built.split("test"), config=config, show_progress=False)


def test_models_on_one_tower_share_its_features(built) -> None:
    one = small_model("clip4clip_meanp")
    encode(one, built)
    other = counting(small_model("msam"))
    with torch.no_grad():
        other.encoder.clip.text_projection.mul_(1.01)  # fine-tuned texts, frozen images
    encode(other, built)
    assert other.calls == {"backbone_texts": 3}
    assert len(entries(built)) == 3


def _change_weights(model, built):
    with torch.no_grad():
        model.encoder.clip.visual.proj[0, 0] += 1e-3
    return model, built


def _change_fingerprint(model, built):
    return model, replace(built, manifest=replace(built.manifest, fingerprint="0" * 64))


def _change_dtype(model, built):
    return model.double(), built


def _change_frames(model, built):
    model.config = replace(model.config, max_frames=5)
    return model, built


@pytest.mark.parametrize(
    "change", [_change_weights, _change_fingerprint, _change_dtype, _change_frames]
)
def test_what_features_depend_on_makes_another_entry(built, change) -> None:
    encode(small_model(), built)
    before = entries(built)
    model, changed = change(counting(small_model()), built)
    encode_videos_only(model, changed)
    assert model.calls["backbone_videos"] == 3
    assert set(before) < set(entries(built))


def encode_videos_only(model, built):
    from dvtr_bench.features.encode_split import encode_all_videos

    # The preprocessing gives float32 pixels whatever the tower's dtype.
    normalise = model.encoder._normalise
    dtype = model.encoder.logit_scale.dtype
    model.encoder._normalise = lambda pixels: normalise(pixels).to(dtype)
    return encode_all_videos(model, built.split("test"), 4, cache=True, show_progress=False)


def test_another_batch_is_another_entry(built) -> None:
    model = counting(small_model())
    encode(model, built)
    encode_split(
        model, built.split("test"), text_batch=8, video_batch=5, cache=True, show_progress=False
    )
    assert model.calls == {"backbone_videos": 5, "backbone_texts": 3}


def _flip(path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def _cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def _other_key(path) -> None:
    entry = path.with_name("entry.json")
    entry.write_text(entry.read_text().replace('"batch": 4', '"batch": 6'))


def _no_json(path) -> None:
    path.with_name("entry.json").write_text('{"format_version": 1')


def _escape(path) -> None:
    entry = json.loads(path.with_name("entry.json").read_text())
    entry["tensors"]["../frame_embeds"] = entry["tensors"].pop("frame_embeds")
    path.with_name("entry.json").write_text(json.dumps(entry))


def _remove(path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [_flip, _cut, _other_key, _no_json, _escape, _remove])
def test_a_damaged_entry_is_told_of_and_computed_again(built, capsys, harm) -> None:
    model = counting(small_model())
    sound = encode(model, built)
    harm(entry_of(built, "videos") / "frame_embeds.npy")
    model.calls.clear()
    capsys.readouterr()
    again = encode(model, built)
    assert model.calls == {"backbone_videos": 3}
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ignoring it and computing it again" in told
    assert_same(sound, again)
    encode(model, built)
    assert model.calls == {"backbone_videos": 3}
    assert capsys.readouterr().err == ""


def test_a_full_disk_leaves_nothing_and_the_evaluation_goes_on(built, capsys, monkeypatch) -> None:
    plain = encode(small_model(), built, cache=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    assert_same(plain, encode(small_model(), built))
    (told,) = capsys.readouterr().err.splitlines()
    assert "MB are needed" in told
    assert told.endswith("continuing without")
    left = [path for path in built.folder.parent.glob(f"{FOLDER}/*/*") if path.is_dir()]
    assert left == []


def test_a_folder_that_cannot_be_written_to(built, capsys, monkeypatch) -> None:
    def refuse(*_, **__) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    plain = encode(small_model(), built, cache=False)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert_same(plain, encode(small_model(), built))
    (told,) = capsys.readouterr().err.splitlines()
    assert "the disk is read-only" in told


def test_it_goes_on_from_the_last_whole_batch(built, capsys) -> None:
    model = counting(small_model())
    whole = encode(model, built, cache=False)
    call, seen = model.backbone_videos, []

    def interrupted(videos):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(videos))
        return call(videos)

    model.backbone_videos = interrupted
    with pytest.raises(KeyboardInterrupt):
        encode(model, built)
    assert entries(built) == []
    assert seen == [4, 4]
    later = counting(small_model())
    assert_same(whole, encode(later, built))
    assert later.calls == {"backbone_videos": 1, "backbone_texts": 3}
    assert f"8 of {NUM_TEST} videos are encoded already" in capsys.readouterr().err


def test_a_fingerprint_cannot_name_a_folder_elsewhere(built) -> None:
    manifest = replace(built.manifest, fingerprint="../../x")
    with pytest.raises(InputError, match="64 hex digits"):
        encode(small_model(), BuiltDataset(built.folder, manifest))


def test_captions_in_another_order_go_on_where_they_were(built, capsys) -> None:
    def ordered(model):
        return encode_split(
            model, built.split("test"), text_batch=8, video_batch=4, cache=True, order_seed=3,
            show_progress=False,
        )  # fmt: skip

    class StoppedError(Exception): ...

    def stopping(captions):
        if model.calls["backbone_texts"] == 2:
            raise StoppedError
        return counted(captions)

    model = counting(small_model())
    counted, model.backbone_texts = model.backbone_texts, stopping
    with pytest.raises(StoppedError):
        ordered(model)
    following = counting(small_model())
    found = ordered(following)
    assert following.calls == {"backbone_texts": 1}
    assert "16 of 20 texts are encoded already" in capsys.readouterr().err
    again = counting(small_model())
    assert_same(ordered(again), found)
    assert again.calls == {}
    # Each row is that of its caption, whatever stood beside it.
    plain = encode(small_model(), built, cache=False)
    torch.testing.assert_close(found.texts["text_embeds"], plain.texts["text_embeds"])
