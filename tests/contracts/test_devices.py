"""What runs on the CPU runs on a GPU: nothing that belongs there is left on the CPU.

A machine without a GPU tests this on a device of ours that refuses what a GPU refuses
(`tests/fixtures/pretend_device.py`). `pytest -m gpu` runs the same on a real one.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

ROOT = Path(__file__).parents[2]


def failures(device: str, folder: Path) -> dict[str, str]:
    """What failed on a device, by job. A process of its own: registering a device is for good."""
    command = [sys.executable, "-m", "tests.fixtures.device_run", device, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "device.json").read_text("utf-8"))
    assert len(found) > 30
    return {job: failure for job, failure in found.items() if failure}


@pytest.mark.slow
def test_nothing_is_left_on_the_cpu(tmp_path: Path) -> None:
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch cannot register a device in Python")
    found = failures("pretend", tmp_path)
    assert found == {}, "\n".join(f"{job}: {failure}" for job, failure in found.items())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_what_the_cpu_does(tmp_path: Path) -> None:
    found = failures("cuda", tmp_path)
    assert found == {}, "\n".join(f"{job}: {failure}" for job, failure in found.items())
