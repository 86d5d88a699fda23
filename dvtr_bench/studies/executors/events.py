"""What an executor tells while it works."""

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
    """A run gave something.

    Attributes:
        index: Of its task.
        made: A training that was finished, or a result.
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
    """A run cannot be carried out.

    Attributes:
        index: Of its task.
        message: Why.
    """

    index: int
    message: str


Event: TypeAlias = Started | Gave | Ended | Failed
