"""A file layer whose n-th call fails, in place of full disks and read-only mounts."""

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
from safetensors import SafetensorError

CODES: Final = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO)


class Faults:
    """Counts the calls that write below a folder; the ``fail_at``-th fails, and those after it.

    A full disk stays full, so later calls fail too, but for those that remove things or, unless
    ``lasting``, rename what was there before back to its place. ``only`` names a part of the paths
    that are meant.
    """

    def __init__(
        self,
        root: Path,
        fail_at: int | None = None,
        code: int = errno.ENOSPC,
        only: str = "",
        *,
        lasting: bool = False,
    ) -> None:
        self.lasting = lasting
        self.root = str(root)
        self.only = only
        self.fail_at = fail_at
        self.code = code
        self.calls: list[str] = []

    @property
    def struck(self) -> bool:
        """Whether a call has failed."""
        return self.fail_at is not None and len(self.calls) >= self.fail_at

    def call(self, what: str, path: object) -> None:
        """Count a call; raise if it is to fail."""
        if isinstance(path, int):
            return
        whole = os.path.abspath(os.fspath(path))  # type: ignore[call-overload]
        if not whole.startswith(self.root) or self.only not in whole:
            return
        if self.struck and not self.lasting and what in ("rename", "replace"):
            if "previous" in os.path.basename(whole):
                return
        self.calls.append(what)
        if self.struck:
            raise OSError(self.code, os.strerror(self.code), os.fspath(path))  # type: ignore[call-overload]

    @contextmanager
    def in_force(self) -> Iterator["Faults"]:
        """Put the layer in place while a block runs."""
        undo: list[tuple[Any, str, Any]] = []

        def patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
            real = getattr(owner, name)
            undo.append((owner, name, real))
            setattr(owner, name, make(real))

        for owner in (builtins, io):
            patch(owner, "open", self._opening)
        patch(os, "open", self._opening_low)
        for name in ("mkdir", "replace", "rename"):
            patch(os, name, lambda real, name=name: self._before(name, real))
        patch(os, "fsync", self._fsync)
        patch(pa, "OSFile", lambda real: self._before("OSFile", real))
        patch(safetensors.torch, "save_file", self._save_file)
        patch(pq.ParquetWriter, "__init__", self._parquet)
        for name in ("write_table", "close"):
            patch(pq.ParquetWriter, name, lambda real, name=name: self._in_parquet(name, real))
        try:
            yield self
        finally:
            for owner, name, real in reversed(undo):
                setattr(owner, name, real)

    def _before(self, what: str, real: Any) -> Any:
        def call(path: Any, *more: Any, **named: Any) -> Any:
            self.call(what, path)
            return real(path, *more, **named)

        return call

    def _opening(self, real: Any) -> Any:
        def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+") or isinstance(file, int):
                return real(file, mode, *more, **named)
            self.call("open", file)
            return _File(real(file, mode, *more, **named), lambda what: self.call(what, file))

        return opened

    def _opening_low(self, real: Any) -> Any:
        def opened(path: Any, flags: int, *more: Any, **named: Any) -> Any:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.call("os.open", path)
            return real(path, flags, *more, **named)

        return opened

    def _fsync(self, real: Any) -> Any:
        def flushed(descriptor: int) -> None:
            self.call("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
            real(descriptor)

        return flushed

    def _save_file(self, real: Any) -> Any:
        def saved(tensors: Any, path: Any, metadata: Any = None) -> None:
            try:
                self.call("save_file", path)
            except OSError as failure:
                words = f"I/O error: {failure.strerror} (os error {failure.errno})"
                raise SafetensorError(f"Error while serializing: {words}") from None
            real(tensors, path, metadata=metadata)

        return saved

    def _parquet(self, real: Any) -> Any:
        def begun(writer: Any, where: Any, *more: Any, **named: Any) -> None:
            writer.path_of_test = where if isinstance(where, str | Path) else "/"
            writer.is_open = False
            self.call("ParquetWriter", writer.path_of_test)
            real(writer, where, *more, **named)

        return begun

    def _in_parquet(self, what: str, real: Any) -> Any:
        def call(writer: Any, *more: Any, **named: Any) -> Any:
            if what == "close":
                real(writer)
            if writer.is_open or what == "close":
                self.call(f"ParquetWriter.{what}", writer.path_of_test)
            return None if what == "close" else real(writer, *more, **named)

        return call


class _File:
    """An open file whose first write and whose end are calls of the layer."""

    def __init__(self, file: Any, call: Callable[[str], None]) -> None:
        self._file, self._call, self._written = file, call, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def write(self, content: Any) -> Any:
        if not self._written:
            self._written = True
            self._call("write")
        return self._file.write(content)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def close(self) -> None:
        was_open = not self._file.closed
        self._file.close()
        if was_open and self._written:
            self._call("close")
