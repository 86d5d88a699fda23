"""The checks of `dvtr-bench doctor`: packages, encoder, device, weights, memory, datasets."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from dvtr_bench.errors import DvtrError, NotFoundError
from dvtr_bench.runtime.packages import FIRST_LINES, find_other_packages, packages_by_extra

Verdict = Literal["ok", "note", "missing"]

REQUIRED_PYTHON: Final = (3, 11)
GIB: Final = 1024**3
QUICKSTART_MEMORY_BYTES: Final = 6 * GIB
QUICKSTART_DISK_BYTES: Final = 2 * GIB


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report.

    Attributes:
        verdict: ``ok``; ``note`` for something that could be better; ``missing`` for something that
            is required.
        subject: What was checked.
        found: What was found.
        advice: What to do; empty if there is nothing to do.
    """

    verdict: Verdict
    subject: str
    found: str
    advice: str = ""


def check_machine() -> list[Check]:
    """Check everything that dvtr-bench uses; imports torch, so it takes a few seconds."""
    return [
        _check_python(),
        _check_own_packages(),
        *_check_packages(),
        *_check_extras(),
        _check_encoder(),
        _check_device(),
        _check_weights(),
        _check_memory(),
        _check_disk(),
        _check_datasets(),
    ]


def _check_python() -> Check:
    version = platform.python_version()
    if sys.version_info < REQUIRED_PYTHON:
        wanted = ".".join(map(str, REQUIRED_PYTHON))
        return Check("missing", "Python", version, f"install Python {wanted} or newer")
    return Check("ok", "Python", version)


def _check_own_packages() -> Check:
    others = find_other_packages()
    if not others:
        return Check("ok", "dvtr-bench", f"{len(FIRST_LINES) + 1} packages, all of them ours")
    found = "; ".join(
        f"{one.name}: {'not there' if one.found is None else one.found}" for one in others
    )
    return Check("missing", "dvtr-bench", found, "; ".join(dict.fromkeys(o.advice for o in others)))


def _check_packages() -> Iterator[Check]:
    for requirement in importlib.metadata.requires("dvtr-bench") or []:
        if "extra ==" in requirement:
            continue
        name = requirement.split(">=")[0].strip()
        try:
            yield Check("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Check("missing", name, "not installed", f"pip install '{requirement}'")


def _check_extras() -> Iterator[Check]:
    for extra, packages in sorted(packages_by_extra().items()):
        versions, missing = [], []
        for name in packages:
            try:
                versions.append(f"{name} {importlib.metadata.version(name)}")
            except importlib.metadata.PackageNotFoundError:
                missing.append(name)
        subject = f"extra {extra}"
        if missing:
            found = f"not installed: {', '.join(missing)}"
            advice = f"only where it is used: pip install 'dvtr-bench[{extra}]'"
            yield Check("note", subject, found, advice)
        else:
            yield Check("ok", subject, ", ".join(versions))


def _check_encoder() -> Check:
    import av

    from dvtr_bench.video.mp4_writer import encoder_name

    # The encoder is part of PyAV; no ffmpeg program in PATH is used.
    try:
        return Check("ok", "H.264 encoder", f"{encoder_name()} (in PyAV {av.__version__})")
    except NotFoundError as failure:
        advice = "pip install --force-reinstall --only-binary :all: av"
        return Check("missing", "H.264 encoder", str(failure), advice)


def _check_device() -> Check:
    try:
        import torch
    except (ImportError, OSError) as failure:
        return Check("missing", "device", f"torch does not import: {failure}", "reinstall torch")
    if torch.cuda.is_available():
        return Check("ok", "device", f"cuda: {torch.cuda.get_device_name(0)}")
    return Check(
        "note",
        "device",
        f"cpu, {torch.get_num_threads()} threads",
        "quickstart, builders and evaluation run on it; train ViT-B/32 on a GPU",
    )


def _check_weights() -> Check:
    from huggingface_hub import try_to_load_from_cache

    weights_path = try_to_load_from_cache(
        "timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors"
    )
    if isinstance(weights_path, str):
        return Check("ok", "ViT-B-32/openai", weights_path)
    return Check(
        "note",
        "ViT-B-32/openai",
        "not downloaded",
        "fetched at first use, or pass a file: --backbone ViT-B-32/PATH; quickstart needs none",
    )


def _check_memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    total_text = f"{total / GIB:.1f} GiB"
    if total < QUICKSTART_MEMORY_BYTES:
        return Check(
            "note", "memory", total_text, "quickstart is made for 6 GiB; close other programs"
        )
    return Check("ok", "memory", total_text)


def _check_disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    free_text = f"{free / GIB:.1f} GiB free here"
    if free < QUICKSTART_DISK_BYTES:
        return Check("note", "disk", free_text, "quickstart writes below 2 GiB; make room first")
    return Check("ok", "disk", free_text)


def _check_datasets() -> Check:
    from dvtr_bench.dataset.reader import find_datasets

    try:
        built = [dataset.label for dataset in find_datasets(Path("dvtr"))]
    except DvtrError as failure:
        return Check("note", "built datasets", str(failure))
    if not built:
        return Check(
            "note", "built datasets", "none under ./dvtr", "dvtr-bench quickstart builds one"
        )
    return Check("ok", "built datasets", ", ".join(built))
