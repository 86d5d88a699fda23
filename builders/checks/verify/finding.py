"""One deviation of a dataset from its manifest."""

from dataclasses import dataclass

from dvtr_bench.reading.border import brief_value


@dataclass(frozen=True)
class Finding:
    """One deviation of a dataset from its manifest.

    Attributes:
        place: A file of the dataset, relative to its folder, or ``test split`` and the like.
        message: What was expected and what was found.
    """

    place: str
    message: str

    def __str__(self) -> str:
        """Place and message in one line."""
        return f"{self.place}: {self.message}"


def shown(value: object) -> str:
    """Return a value for a message; long ones are shortened.

    Example:
        >>> shown("a boat")
        "'a boat'"
    """
    return brief_value(value, 90)
