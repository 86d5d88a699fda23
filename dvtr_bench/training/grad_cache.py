"""GradCache: the loss and the gradient of a whole batch, in the memory of a piece of it.

A contrastive loss compares every caption of a batch with every clip of it. Plain gradient
accumulation adds up the losses of micro-batches, each with its own negatives alone: another
objective. Here the outputs of the towers are detached from their graphs and joined to the whole
batch (from micro-batches, from other processes, or both). The head's loss is taken over all of it.
Its gradient with respect to those outputs then goes back through the towers, piece by piece. By the
chain rule that is exactly the gradient of the whole batch, in the memory of one piece.

Source: Gao et al. 2021, GradCache (arXiv 2101.06983). differs: a batch of one piece keeps its graph
and is not encoded twice; with several processes it is GradCache over gathered outputs, as the
field's "gathered negatives" have it, but without loss of gradient to the other processes' rows.
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
    """The outputs of one tower for a whole batch, and the way back for their gradient.

    Args:
        encode: The tower: takes inputs, gives named tensors, a row an item.
        inputs: This process's rows, see `own_rows`; may be on the CPU.
        piece: Rows encoded at a time; None for all of them. With more than one piece they are
            encoded without a graph first and once more, with one, on the way back.
        device: Where the tower is.
        seed: Of what the tower draws at random, so that it draws the same both times.
        autocast: Gives the context that towers run in, a new one each time.
        processes: Those that share the batch.

    Attributes:
        features: Rows of the whole batch, detached from the tower's graph; the head's loss leaves
            its gradient there.
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
        """Encode this process's rows and fetch those of the others."""
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
        """Send the gradient that the head left back through the tower: this process's rows."""
        for number, rows in enumerate(self._pieces):
            outputs = self._kept[number] if self._kept else self._encoded(rows)
            there = slice(self._first_row + rows.start, self._first_row + rows.stop)
            back = [
                (output, gradient[there])
                for name, output in outputs.items()
                # A frozen tower has no graph, and the head need not use every output.
                if output.requires_grad and (gradient := self.features[name].grad) is not None
            ]
            if back:
                torch.autograd.backward([output for output, _ in back], [grad for _, grad in back])

    def _encoded(self, rows: slice) -> "Features":
        inputs = {name: value[rows].to(self._device) for name, value in self._inputs.items()}
        # An autocast of its own: within one, weights once cast without a graph would stay so.
        with _seeded(self._seed + rows.start, self._device), self._autocast():
            return self._encode(inputs)


def own_rows(count: int, processes: "Processes") -> slice:
    """Return this process's rows of a batch: as many as the others', give or take one.

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
    """Complete the head's gradient, which every process has, to that of the whole model.

    Each process sends the gradient of its own rows back through its towers; the sum over the
    processes is the gradient of the whole batch. The gradient of the head's own parameters is the
    same in every process and counts once.

    Args:
        parameters: All that is trained; the head's backward pass has been done.
        outputs: Of every tower that was run for the batch.
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
    # A process may have had no rows for a tower, and every one must add up the same tensors.
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
    """Return the rows of all processes, without a graph, and where those of this one begin."""
    own: Mapping[str, torch.Tensor] = {}
    if parts:
        own = {name: torch.cat([part[name] for part in parts]).detach() for name in parts[0]}
    if processes.count == 1:
        return dict(own), 0
    everywhere = processes.gathered({name: value.cpu() for name, value in own.items()})
    filled = [part for part in everywhere if part]
    counts = [len(next(iter(part.values()))) if part else 0 for part in everywhere]
    whole = {name: torch.cat([part[name] for part in filled]).to(device) for name in filled[0]}
    return whole, sum(counts[: processes.rank])


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
