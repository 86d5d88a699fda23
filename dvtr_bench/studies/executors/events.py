"""Events that an executor yields."""

from dataclasses import dataclass
from typing import TypeAlias

from dvtr_bench.studies.carry_out import Made


@dataclass(frozen=True)
class Started:
    """A run has begun.

    Attributes:
        index: Of its task.
        where: The device or node.
    """

    index: int
    where: str


@dataclass(frozen=True, eq=False)
class Gave:
    """A run finished its training or gave a result.

    Attributes:
        index: Of its task.
        made: A finished training, or a result.
    """

    index: int
    made: Made


@dataclass(frozen=True)
class Ended:
    """A run is done.

    Attributes:
        index: Of its task.
    """

    index: int


@dataclass(frozen=True)
class Failed:
    """A run failed.

    Attributes:
        index: Of its task.
        message: The reason.
    """

    index: int
    message: str


Event: TypeAlias = Started | Gave | Ended | Failed
