"""The embedding cache under several processes, and one that is killed."""

import os
import signal
import time

import numpy as np
import pytest
import torch

from dvtr_bench.features.cache import FeatureCache
from dvtr_bench.features.encode_split import encode_split
from tests.fixtures.encoding import assert_same, counting, encode
from tests.fixtures.ready_processes import ready
from tests.fixtures.tiny_dataset import small_model

KEY = {"side": "videos", "weights": "w"}


def _fill_slowly(folder, queue, pause_seconds) -> None:
    """Write an entry of ten batches in a process of its own; say how many were computed."""
    computed = []

    def compute(start):
        for row in range(start, 10):
            computed.append(row)
            queue.put(("row", os.getpid(), row))
            time.sleep(pause_seconds)
            yield {"x": torch.full((1, 3), float(row))}, row

    cache = FeatureCache(folder, KEY, 10)
    with cache.locked() as writable:
        assert writable
        stored = cache.read(report=True)
        if stored is None:
            assert cache.fill(compute)
            stored = cache.read(report=True)
    queue.put(("done", len(computed), stored.features["x"].sum().item()))


def _outcomes(queue, count):
    done = []
    while len(done) < count:
        found = queue.get(timeout=600)
        if found[0] == "done":
            done.append(found[1:])
    return sorted(done)


@pytest.mark.slow
def test_of_two_processes_one_computes_and_the_other_reads(tmp_path) -> None:
    context = ready()
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
def test_after_a_kill_the_next_process_goes_on(tmp_path) -> None:
    context = ready()
    queue = context.Queue()
    killed = context.Process(target=_fill_slowly, args=(tmp_path / "entry", queue, 0.2))
    killed.start()
    while queue.get(timeout=600)[2] < 4:
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


def _encode_together(rank, count, meeting, built, out) -> None:
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
def test_processes_of_one_evaluation_share_an_entry(built, tmp_path) -> None:
    def together(number):
        context = ready()
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
