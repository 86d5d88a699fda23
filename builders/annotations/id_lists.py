"""Lists of ids, one per line: ids carry meaning in their last characters."""

from pathlib import Path

from builders.annotations.text_file import read_text
from dvtr_bench.errors import AnnotationError


def read_id_list(path: Path) -> tuple[str, ...]:
    r"""Read a list of ids; only line ends are taken off.

    Args:
        path: The file.

    Returns:
        Ids verbatim, in file order: ``'Baseball_010 '`` keeps its space.

    Raises:
        AnnotationError: An empty line within the list, or an id that stands in it twice.
    """
    # Not splitlines(): it also cuts at form feeds and at Unicode's own line separators.
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            raise AnnotationError(f"{path}, line {number}: expected an id, found an empty line")
        if line in seen:
            raise AnnotationError(
                f"{path}, line {number}: the id {line!r} stands in line {seen[line]} already"
            )
        seen[line] = number
    return tuple(lines)
