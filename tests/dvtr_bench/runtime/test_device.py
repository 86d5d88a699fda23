"""A device is one that this machine has, or the message says what there is."""

import pytest
import torch

from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.processes import choose_device


def test_auto_takes_the_gpu_of_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert choose_device("auto") == "cuda:1"
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(ConfigError, match="this machine has 2 CUDA devices"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["mps", "meta", "xpu"])
def test_a_device_that_is_not_there_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=f"--device {name}: this machine.* no such device"):
        choose_device(name)


def test_an_accelerator_of_another_kind_is_taken_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("mps"))
    assert choose_device("mps") == "mps"
    with pytest.raises(ConfigError, match="no such device"):
        choose_device("xpu")


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda, cuda:N or mps"):
        choose_device("gpu please")
