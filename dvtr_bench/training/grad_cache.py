"""GradCache: loss and gradient of a whole batch with the memory of a part of it.

A contrastive loss compares every caption of a batch with every clip of it. Plain gradient
accumulation adds up the losses of micro-batches, each with only its own negatives, which is a
different objective. Here the outputs of the towers are detached from their graphs and joined to the
whole batch (from micro-batches, from other processes, or both). The head's loss is taken over all
of it. Its gradient with respect to those outputs then goes back through the towers, piece by piece.
By the chain rule this is exactly the gradient of the whole batch, with the memory of one piece.

Source: Gao et al. 2021, GradCache (arXiv 2101.06983). differs: a batch of one piece keeps its graph
    and is not encoded twice; with several processes it is GradCache over gathered outputs
    ("gathered negatives"), including the gradient to the rows of other processes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import torch

from dvtr_bench.ranking.blocks import cut

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features
    from dvtr_bench.runtime.processes import Processes


class TowerOutputs:
    """The outputs of one tower for a whole batch, with their backward pass.

    Args:
        encode: The tower: takes inputs, returns named tensors with one row per item.
        inputs: This process's rows, see `own_rows`; can be on the CPU.
        piece: Rows encoded at a time; None for all of them. With more than one piece they are
            encoded first without a graph, and again with one in the backward pass.
        device: Device of the tower.
        seed: Seed of the tower's randomness, so that both passes draw the same.
        autocast: Returns the context of the tower, a new one each time.
        processes: Those that share the batch.

    Attributes:
        features: Rows of the whole batch, detached from the tower's graph; they receive the
            gradient of the head's loss.
    """

    def __init__(
        self,
        encode: "Callable[[Features], Features]",
        inputs: "Features",
        *,
        piece: int | None,
        device: torch.device,
        seed: int,
        autocast: Callable[[], AbstractContextManager[object]],
        processes: "Processes",
    ) -> None:
        """Encode this process's rows and gather those of the others."""
        self._encode = encode
        self._inputs = inputs
        self._device = device
        self._seed = seed
        self._autocast = autocast
        count = len(next(iter(inputs.values()))) if inputs else 0
        self._pieces = list(cut(count, piece or max(count, 1)))
        self._kept: list[Features] = []
        if len(self._pieces) == 1:
            self._kept = [self._encoded(self._pieces[0])]
            parts = self._kept
        else:
            with torch.no_grad():
                parts = [self._encoded(rows) for rows in self._pieces]
        whole, self._first_row = _joined(parts, count, device, processes)
        self.features: Features = {
            name: value.requires_grad_(value.is_floating_point()) for name, value in whole.items()
        }

    def backward(self) -> None:
        """Run the backward pass of the tower for this process's rows, from the head's gradient."""
        for number, rows in enumerate(self._pieces):
            outputs = self._kept[number] if self._kept else self._encoded(rows)
            own_slice = slice(self._first_row + rows.start, self._first_row + rows.stop)
            pairs = [
                (output, gradient[own_slice])
                for name, output in outputs.items()
                # A frozen tower has no graph, and the head need not use every output.
                if output.requires_grad and (gradient := self.features[name].grad) is not None
            ]
            if pairs:
                torch.autograd.backward(
                    [output for output, _ in pairs], [grad for _, grad in pairs]
                )

    def _encoded(self, rows: slice) -> "Features":
        inputs = {name: value[rows].to(self._device) for name, value in self._inputs.items()}
        # A separate autocast: a shared one would reuse weights that were cast without a graph.
        with _seeded(self._seed + rows.start, self._device), self._autocast():
            return self._encode(inputs)


def own_rows(count: int, processes: "Processes") -> slice:
    """Return this process's rows of a batch: an equal share, give or take one.

    Example:
        >>> from dvtr_bench.runtime.processes import Processes
        >>> [own_rows(5, Processes(rank, 2)) for rank in (0, 1)]
        [slice(0, 2, None), slice(2, 5, None)]
    """
    return processes.share_of(count, 1)


def share_gradients(
    parameters: Sequence[torch.nn.Parameter],
    outputs: Sequence[TowerOutputs],
    processes: "Processes",
) -> None:
    """Compute the gradient of the whole model from the head's gradient, which every process has.

    Each process runs the backward pass of its own rows through its towers; the sum over the
    processes is the gradient of the whole batch. The gradient of the head's own parameters is the
    same in every process and counts once.

    Args:
        parameters: All trained parameters, after the head's backward pass.
        outputs: The outputs of every tower run for the batch.
        processes: Those that share the batch.
    """
    for parameter in parameters:
        if processes.count > 1 and parameter.grad is not None:
            parameter.grad /= processes.count
    for output in outputs:
        output.backward()
    if processes.count == 1:
        return
    reached = {row for row, parameter in enumerate(parameters) if parameter.grad is not None}
    # A process can have no rows for a tower, but all must add up the same tensors.
    everywhere = [parameters[row] for row in sorted(set().union(*processes.gathered(reached)))]
    for parameter in everywhere:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    # One long exchange takes a fraction of the time of hundreds of short ones.
    flat = torch.cat([parameter.grad.flatten() for parameter in everywhere])
    processes.add_up([flat])
    sums = torch.split(flat, [parameter.numel() for parameter in everywhere])
    for parameter, total in zip(everywhere, sums, strict=True):
        parameter.grad.copy_(total.view_as(parameter))


def _joined(
    parts: "Sequence[Features]", count: int, device: torch.device, processes: "Processes"
) -> tuple[dict[str, torch.Tensor], int]:
    """Return the rows of all processes, without a graph, and the first row of this process."""
    own_features: Mapping[str, torch.Tensor] = {}
    if parts:
        own_features = {
            name: torch.cat([part[name] for part in parts]).detach() for name in parts[0]
        }
    if processes.count == 1:
        return dict(own_features), 0
    all_features = processes.gathered({name: value.cpu() for name, value in own_features.items()})
    non_empty = [part for part in all_features if part]
    counts = [len(next(iter(part.values()))) if part else 0 for part in all_features]
    whole = {
        name: torch.cat([part[name] for part in non_empty]).to(device) for name in non_empty[0]
    }
    return whole, sum(counts[: processes.rank])


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
