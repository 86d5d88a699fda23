"""What a device reaches: scoring by each head at CapERA's size, and training steps of MSAM.

    python tests/benchmarks/device_speed.py                     # on a GPU, or the CPU without one
    python tests/benchmarks/device_speed.py --device cpu --captions 500 --videos 100 --clips 4

First the device's own limits are measured: bytes a second of a copy, operations a second of a
matrix product in float32 and in bfloat16. Beside the seconds of a head stands which share of them
it reaches: of arithmetic by the operations of its matrix products, of memory by the bytes that its
operators read and write, whether from memory or from a cache. Loops that run on the CPU alone
(compiled ones) are not counted. With bfloat16, features and weights are held so, which `dvtr-bench
evaluate` never does: similarities are divided by small temperatures.

A training step of MSAM, by default of ViT-B/32 with random weights: with images that are on the
device already, and as `dvtr-bench train` does it, which decodes stored frames and preprocesses them
in threads meanwhile.
"""

import argparse
import copy
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[2]))
from dvtr_bench.runtime.cpu import freed_memory_kept
from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.training.inputs import prepare_inputs
from dvtr_bench.training.loop import Loop
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.video.frame_store import FrameFormat, decode_frame, encode_frame
from tests.benchmarks.speed_subjects import FRAMES, HEADS, TrainingStep
from tests.fixtures.toy_training import ToySplit

CAPERA = (6955, 1391)
"""Captions and videos of its test split."""

MEASURED = ("clip4clip_meanp", "msam", "xpool", "drl_wti")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
STORED = (224, 398)
"""Rows and columns of a stored frame."""

FEWEST_SECONDS = 0.2
"""Something faster is repeated for so long and its mean taken."""

SMALLEST = (
    *("--captions", "40", "--videos", "20", "--clips", "2", "--steps", "1", "--workers", "1"),
    *("--rounds", "1", "--side", "64", "--backbone", "tiny"),
)
"""Options with which all of it runs within seconds, to see that it runs."""


class StoredSplit(ToySplit):
    """Clips whose frames are decoded from JPEG each time, as those of a built dataset."""

    def __init__(self, clips: int) -> None:
        """Encode one noisy picture, which all frames are."""
        super().__init__(num_videos=clips)
        rng = np.random.default_rng(0)
        smooth = np.linspace(0, 200, STORED[1]).astype(np.uint8)[None, :, None]
        picture = smooth + rng.integers(0, 50, (*STORED, 3)).astype(np.uint8)
        self._jpeg = encode_frame(picture, FrameFormat())

    def frames(self, index: int) -> list[np.ndarray]:
        """Decode the frames of one clip."""
        return [decode_frame(self._jpeg) for _ in range(FRAMES)]


class BytesCounted(TorchDispatchMode):
    """Counts the bytes of all that operators read and write; views read nothing."""

    def __init__(self) -> None:
        """Start at 0."""
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Call the operator and count."""
        found = function(*args, **(kwargs or {}))
        if not function.is_view:
            tensors = [x for x in pytree.tree_leaves((args, kwargs, found)) if torch.is_tensor(x)]
            self.bytes += sum(tensor.nbytes for tensor in tensors)
        return found


def waited(device: torch.device) -> None:
    """Return once the device has done all that it was given."""
    if device.type in ("cuda", "mps"):
        torch.accelerator.synchronize(device)


def seconds(work, device: torch.device, rounds: int) -> float:
    """Return the median of what one call takes, after a first one that is not counted."""
    found = []
    work()
    for _ in range(rounds):
        waited(device)
        began, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - began < FEWEST_SECONDS:
            work()
            calls += 1
            waited(device)
        found.append((time.perf_counter() - began) / calls)
    return median(found)


def limits(device: torch.device, rounds: int, side: int) -> tuple[float, dict[str, float]]:
    """Return the bytes a second of a copy, and the operations a second of a product by type."""
    source = torch.ones(side * side * 4, device=device)
    target = torch.empty_like(source)
    copied = 2 * source.nbytes / seconds(lambda: target.copy_(source), device, rounds)
    products = {}
    for name, dtype in DTYPES.items():
        left, right = torch.randn(2, side, side).to(device, dtype)
        products[name] = 2 * side**3 / seconds(lambda a=left, b=right: a @ b, device, rounds)
    return copied, products


def on_device(features, device: torch.device, dtype: torch.dtype):
    """Return features there, numbers in this type."""
    return {
        name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
        for name, value in features.items()
    }


def measure_heads(device, sizes, rounds, copied, products) -> None:
    """Print a row for each head and type."""
    for name in MEASURED:
        with torch.no_grad():
            head = HEADS[name](*sizes)
            on_cpu, computed = head.model, head.ready
            for dtype_name, dtype in DTYPES.items():
                head.model = copy.deepcopy(on_cpu).to(dtype).to(device)
                head.ready = [on_device(side, device, dtype) for side in computed]
                took = seconds(head.scores, device, rounds)
                with FlopCounterMode(display=False) as flops:
                    head.scores()
                with BytesCounted() as moved:
                    head.scores()
                arithmetic = flops.get_total_flops() / took / products[dtype_name]
                memory = moved.bytes / took / copied
                print(
                    f"{name:18} {dtype_name:9} {took:9.4f} s {arithmetic:8.1%} of arithmetic"
                    f" {memory:8.1%} of memory",
                    flush=True,
                )


def measure_steps(device, chosen) -> None:
    """Print clips a second of training, with images there already and from stored frames."""
    clips, rounds = chosen.clips, chosen.rounds
    for autocast in chosen.autocast:
        step = TrainingStep(
            clips, FRAMES, device=device, backbone=chosen.backbone, autocast=autocast
        )
        there = clips / seconds(step.ours, device, rounds)
        recipe = Recipe(batch_size=clips, epochs=1 + rounds, autocast=autocast)
        split = StoredSplit(clips * chosen.steps)
        loop = Loop(step.model, split, recipe, device, ALONE)
        inputs, _ = prepare_inputs(
            step.model, (split, StoredSplit(2)), "nothing", cache_bytes=0, show_progress=False
        )
        found = []
        for epoch in range(1 + rounds):
            began = time.perf_counter()
            loop.run_epoch(
                epoch, inputs, lambda _: None, workers=chosen.workers, show_progress=False
            )
            waited(device)
            found.append(loop.steps_per_epoch * clips / (time.perf_counter() - began))
        print(
            f"training, {chosen.backbone}, batches of {clips} clips of {FRAMES} frames, autocast "
            f"{autocast}: {there:.1f} clips/s from images on the device, {median(found[1:]):.1f} "
            f"from stored frames with {chosen.workers} threads",
            flush=True,
        )


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    best = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=best)
    parser.add_argument("--captions", type=int, default=CAPERA[0])
    parser.add_argument("--videos", type=int, default=CAPERA[1])
    parser.add_argument("--clips", type=int, default=64, help="of a training step")
    parser.add_argument("--steps", type=int, default=6, help="of an epoch of training")
    parser.add_argument("--workers", type=int, default=8, help="threads that decode")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=0, help="of the products that show the limits")
    parser.add_argument("--backbone", default="ViT-B-32")
    parser.add_argument("--autocast", nargs="*", default=["off", "bf16"], help="of the steps")
    chosen = parser.parse_args(arguments)
    device = torch.device(chosen.device)
    is_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_gpu else f"{torch.get_num_threads()} threads"
    side = chosen.side or (8192 if is_gpu else 2048)
    copied, products = limits(device, chosen.rounds, side)
    print(
        f"{device} ({name}), torch {torch.__version__}: copies {copied / 1e9:.0f} GB/s, products "
        + ", ".join(f"{rate / 1e12:.2f} TFLOP/s in {kind}" for kind, rate in products.items()),
        flush=True,
    )
    sizes = chosen.captions, chosen.videos
    print(f"scoring of {sizes[0]} captions x {sizes[1]} videos of {FRAMES} frames")
    measure_heads(device, sizes, chosen.rounds, copied, products)
    with freed_memory_kept():
        measure_steps(device, chosen)


if __name__ == "__main__":
    main()
