"""Features are computed once, never used when damaged, and the same as without a cache."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.features.cache import FOLDER, FeatureCache
from dvtr_bench.features.encode_split import encode_split
from dvtr_bench.protocol.bootstrap import BootstrapConfig
from tests.fixtures.tiny_dataset import NUM_TEST, build_tiny, copy_tiny, small_model

KEY = {"side": "videos", "weights": "w"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def built(tiny, tmp_path):
    return copy_tiny(tiny, tmp_path)


def counting(model):
    """Count the calls of a model's costly stage in ``model.calls``."""
    model.calls = Counter()
    for method in ("backbone_texts", "backbone_videos"):
        call = getattr(model, method)

        def counted(items, call=call, method=method):
            model.calls[method] += 1
            return call(items)

        setattr(model, method, counted)
    return model


def encode(model, built, *, cache=True):
    return encode_split(
        model, built.split("test"), text_batch=8, video_batch=4, cache=cache, show_progress=False
    )


def entries(built):
    return sorted(path.parent for path in built.folder.parent.glob(f"{FOLDER}/*/*/entry.json"))


def entry_of(built, side):
    return next(path for path in entries(built) if f"-{side}-" in path.name)


def assert_same(one, other):
    for side in ("texts", "videos"):
        first, second = getattr(one, side), getattr(other, side)
        assert first.keys() == second.keys()
        for name in first:
            assert first[name].dtype == second[name].dtype
            assert torch.equal(first[name], second[name]), name
    assert one.frames_per_video == other.frames_per_video


@pytest.mark.parametrize(
    "name", ["clip4clip_meanp", "clip4clip_seqtransf", "msam", "clip_zeroshot"]
)
def test_kept_features_are_those_computed_to_the_bit(built, name):
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
def test_ranks_and_checks_are_the_same_with_and_without(built, name):
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


def test_the_honesty_checks_catch_features_that_are_not_the_models(built):
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


def test_models_on_one_tower_share_its_features(built):
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
def test_what_features_depend_on_makes_another_entry(built, change):
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


def test_another_batch_is_another_entry(built):
    model = counting(small_model())
    encode(model, built)
    encode_split(
        model, built.split("test"), text_batch=8, video_batch=5, cache=True, show_progress=False
    )
    assert model.calls == {"backbone_videos": 5, "backbone_texts": 3}


def _flip(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def _other_key(path):
    entry = path.with_name("entry.json")
    entry.write_text(entry.read_text().replace('"batch": 4', '"batch": 6'))


def _no_json(path):
    path.with_name("entry.json").write_text('{"format_version": 1')


def _escape(path):
    entry = json.loads(path.with_name("entry.json").read_text())
    entry["tensors"]["../frame_embeds"] = entry["tensors"].pop("frame_embeds")
    path.with_name("entry.json").write_text(json.dumps(entry))


def _remove(path):
    path.unlink()


@pytest.mark.parametrize("harm", [_flip, _cut, _other_key, _no_json, _escape, _remove])
def test_a_damaged_entry_is_told_of_and_computed_again(built, capsys, harm):
    model = counting(small_model())
    sound = encode(model, built)
    harm(entry_of(built, "videos") / "frame_embeds.npy")
    model.calls.clear()
    capsys.readouterr()
    again = encode(model, built)
    assert model.calls == {"backbone_videos": 3}
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "it is not used but computed again" in told
    assert_same(sound, again)
    encode(model, built)
    assert model.calls == {"backbone_videos": 3}
    assert capsys.readouterr().err == ""


def test_a_full_disk_leaves_nothing_and_the_evaluation_goes_on(built, capsys, monkeypatch):
    plain = encode(small_model(), built, cache=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    assert_same(plain, encode(small_model(), built))
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("MB are needed" in line and line.endswith("going on without") for line in told)
    left = [path for path in built.folder.parent.glob(f"{FOLDER}/*/*") if path.is_dir()]
    assert left == []


def test_a_folder_that_cannot_be_written_to(built, capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    plain = encode(small_model(), built, cache=False)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert_same(plain, encode(small_model(), built))
    assert "Read-only file system" in capsys.readouterr().err


def test_it_goes_on_from_the_last_whole_batch(built, capsys):
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
    assert f"goes on from 8 of {NUM_TEST} videos" in capsys.readouterr().err


def test_a_fingerprint_cannot_name_a_folder_elsewhere(built):
    manifest = replace(built.manifest, fingerprint="../../x")
    with pytest.raises(InputError, match="64 hex digits"):
        encode(small_model(), BuiltDataset(built.folder, manifest))


def _fill_slowly(folder, queue, pause_seconds):
    """Write an entry of ten batches in a process of its own; say how many were computed."""
    computed = []

    def compute(start):
        for row in range(start, 10):
            computed.append(row)
            queue.put(("row", os.getpid(), row))
            time.sleep(pause_seconds)
            yield {"x": torch.full((1, 3), float(row))}, row

    cache = FeatureCache(folder, KEY, 10)
    with cache.alone() as writable:
        assert writable
        stored = cache.read(report=True)
        if stored is None:
            assert cache.fill(compute)
            stored = cache.read(report=True)
    queue.put(("done", len(computed), stored.features["x"].sum().item()))


def _outcomes(queue, count):
    done = []
    while len(done) < count:
        found = queue.get(timeout=60)
        if found[0] == "done":
            done.append(found[1:])
    return sorted(done)


@pytest.mark.slow
def test_of_two_processes_one_computes_and_the_other_reads(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [
        context.Process(target=_fill_slowly, args=(tmp_path / "entry", queue, 0.1))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    assert _outcomes(queue, 2) == [(0, 135.0), (10, 135.0)]
    for worker in workers:
        worker.join()


@pytest.mark.slow
def test_after_a_kill_the_next_process_goes_on(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    killed = context.Process(target=_fill_slowly, args=(tmp_path / "entry", queue, 0.2))
    killed.start()
    while queue.get(timeout=60)[2] < 4:
        pass
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    assert not (tmp_path / "entry").exists()
    queue = context.Queue()  # the killed process may have held the lock of the other one
    following = context.Process(target=_fill_slowly, args=(tmp_path / "entry", queue, 0))
    following.start()
    (outcome,) = _outcomes(queue, 1)
    assert outcome == (6, 135.0)
    following.join()


def _encode_together(rank, count, meeting, built, out):
    from torch import distributed

    from dvtr_bench.runtime.processes import Processes

    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=count
    )
    model = counting(small_model())
    encoded = encode_split(
        model,
        built.split("test"),
        text_batch=8,
        video_batch=4,
        cache=True,
        processes=Processes(rank, count),
        show_progress=False,
    )
    distributed.destroy_process_group()
    np.savez(
        out / f"{rank}.npz",
        text_embeds=encoded.texts["text_embeds"],
        video_embeds=encoded.videos["video_embeds"],
        frames_per_video=encoded.frames_per_video,
        calls=sum(model.calls.values()),
    )


@pytest.mark.slow
def test_processes_of_one_evaluation_share_an_entry(built, tmp_path):
    def together(number):
        context = multiprocessing.get_context("spawn")
        workers = [
            context.Process(
                target=_encode_together, args=(rank, 2, tmp_path / f"met{number}", built, tmp_path)
            )
            for rank in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2)]

    plain = encode(small_model(), built, cache=False)
    for number, calls in enumerate(([2, 4], [0, 0])):  # 3 batches of each side, then all is kept
        found = together(number)
        assert [int(one["calls"]) for one in found] == calls
        for one in found:
            assert one["frames_per_video"] == plain.frames_per_video
            np.testing.assert_array_equal(one["text_embeds"], plain.texts["text_embeds"])
            np.testing.assert_array_equal(one["video_embeds"], plain.videos["video_embeds"])
    alone = counting(small_model())
    assert_same(plain, encode(alone, built))
    assert alone.calls == {}
