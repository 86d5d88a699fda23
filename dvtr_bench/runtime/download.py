"""Download files by URL: resumed, checked and kept in the cache.

Repositories of the Hugging Face Hub are downloaded by its own client, which does the same.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from filelock import FileLock

from dvtr_bench.errors import InputError, NotFoundError, WriteError
from dvtr_bench.reading.border import reading
from dvtr_bench.runtime.files import file_sha256, made_folder, written_beside
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.runtime.writing import writing

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 4_000_000_000
ATTEMPTS: Final = 4
"""Attempts in a row without new data before giving up, after a first one brought data."""

PAUSE_SECONDS: Final = 1.0
_BLOCK_BYTES: Final = 1 << 16
_FAILURES: Final = (OSError, http.client.HTTPException)
INDEX_NAME: Final = "index.json"
CACHE: Final = "the environment variable HF_HOME"
"""What chooses another place for downloads."""


def cache_folder() -> Path:
    """Return the folder of downloads: ``dvtr-bench`` in the Hugging Face cache.

    That is ``$HF_HOME``, else ``$XDG_CACHE_HOME/huggingface``, else ``~/.cache/huggingface``.
    """
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "dvtr-bench"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "huggingface" / "dvtr-bench"


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], None] | None = None,
    show_progress: bool = True,
) -> Path:
    """Download a file, unless it is already complete.

    An interrupted download is resumed, in this call or a later one. Two processes that download the
    same file wait for each other.

    Args:
        url: Its URL, http or https.
        target: The file to write, below `cache_folder`.
        sha256: Expected hash of its bytes. None trusts the first download, records its hash in the
            cache's index and requires it of later downloads.
        check: Raises if the file is not the expected one, such as an error page; called if there is
            no hash to compare with.
        show_progress: Show a progress bar.

    Returns:
        `target`.

    Raises:
        NotFoundError: It cannot be downloaded; the message says why.
        InputError: It has other bytes than expected, and nothing is kept; or the URL is no http.
        WriteError: The cache cannot be written; what was fetched is kept for another try.

    Example:
        >>> download("https://example.org/a", cache_folder() / "a")  # doctest: +SKIP
    """
    if not url.startswith(("https://", "http://")):
        raise InputError(f"{url}: not an address to download: expected https:// or http://")
    with (
        made_folder(target.parent, CACHE),
        writing(target, CACHE),
        FileLock(target.with_name(f".{target.name}.lock")),
    ):
        expected = sha256 or _recorded(url)
        if expected and target.is_file() and file_sha256(target) == expected:
            return target
        part = target.with_name(f"{target.name}.part")
        resumed = part.exists()
        digest = _fetch(url, part, checked=expected is not None, show_progress=show_progress)
        if expected and digest != expected and resumed:
            # The partial file may be from an older version: start again.
            part.unlink()
            digest = _fetch(url, part, checked=True, show_progress=show_progress)
        try:
            _compare(url, digest, expected, sha256 is not None)
            if expected is None and check is not None:
                check(part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        if expected is None:
            _record(url, digest, part.stat().st_size)
        part.replace(target)
        return target


def _compare(url: str, digest: str, expected: str | None, is_published: bool) -> None:
    if expected is None or digest == expected:
        return
    expectation = (
        "the published file has"
        if is_published
        else f"when it was first fetched, by the record in {_index_path()}, it had"
    )
    raise InputError(
        f"{url}: refused: its SHA-256 is {digest}, {expectation} {expected}. It is damaged or was "
        "changed; nothing of it was kept. Try again, or get it by hand"
    )


@dataclass
class _Transfer:
    """A download in progress.

    Attributes:
        url: The URL.
        part: The partial file.
        checked: Whether its hash is known, so that a wrong continuation is detected.
    """

    url: str
    part: Path
    checked: bool

    @property
    def _tag_path(self) -> Path:
        return self.part.with_name(f"{self.part.name}.etag")

    def open(self) -> tuple[Any, int]:
        """Request the missing bytes; return the response and the number of bytes already there."""
        start = self.part.stat().st_size if self.part.exists() else 0
        tag = self._tag_path.read_text() if self._tag_path.exists() else ""
        headers = {"Accept-Encoding": "identity", "User-Agent": "dvtr-bench"}
        if start and (tag or self.checked):
            headers["Range"] = f"bytes={start}-"
            if tag:
                headers["If-Range"] = tag
        # `download` has checked the scheme.
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            response.close()
            raise http.client.HTTPException("the server sent another part than was asked for")
        etag = response.headers.get("ETag", "")
        try:
            with writing(self._tag_path, CACHE):
                if not start:
                    # Before the tag: bytes of another version must never stand beside it.
                    self.part.unlink(missing_ok=True)
                # A weak tag does not promise the same bytes.
                self._tag_path.write_text(etag if etag.startswith('"') else "")
        except BaseException:
            response.close()
            raise
        return response, start

    def done(self) -> None:
        """Delete the ETag file, which only resuming needs."""
        self._tag_path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Delete the partial file to start again."""
        self.part.unlink(missing_ok=True)
        self.done()


def _fetch(url: str, part: Path, *, checked: bool, show_progress: bool) -> str:
    """Download into `part` until it is complete; return its hash."""
    transfer = _Transfer(url, part, checked)
    failed_attempts, began = 0, False
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(transfer, show_progress)
            transfer.done()
            return file_sha256(part)
        except urllib.error.HTTPError as failure:
            failure.close()
            if failure.code != 416 or not before:
                raise NotFoundError(
                    f"{url}: cannot be fetched (HTTP {failure.code} {failure.reason})"
                ) from failure
            transfer.restart()  # the server has no more than was fetched before
        except WriteError:
            raise
        except _FAILURES as failure:
            cause = failure.reason if isinstance(failure, urllib.error.URLError) else failure
            grown = part.exists() and part.stat().st_size > before
            began = began or grown
            failed_attempts = 0 if grown else failed_attempts + 1
            if not began or failed_attempts >= ATTEMPTS:
                reason = str(cause) or type(cause).__name__
                raise NotFoundError(f"{url}: cannot be fetched ({reason})") from failure
            time.sleep(PAUSE_SECONDS * failed_attempts)
        except InputError:
            transfer.restart()
            raise


def _receive(transfer: _Transfer, show_progress: bool) -> None:
    """Append one response to the partial file.

    Raises:
        OSError: The connection broke off; the received bytes are kept.
    """
    with ExitStack() as stack:
        response, start = transfer.open()
        stack.enter_context(response)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        if (total or 0) > MAX_BYTES:
            raise InputError(
                f"{transfer.url}: refused: {total:,} bytes, at most {MAX_BYTES:,} are fetched"
            )
        name = transfer.part.name.removesuffix(".part")
        advance = stack.enter_context(
            progress_bar(f"fetch {name}, kB", (total or 0) // 1000, enabled=show_progress)
        )
        advance(start // 1000)
        # Not around the whole: what the network says is no refusal of the disk.
        with writing(transfer.part, CACHE):
            file = transfer.part.open("ab" if start else "wb")
        stack.callback(_close, file, transfer.part)
        size = start
        while block := response.read(_BLOCK_BYTES):
            size += len(block)
            if size > min(MAX_BYTES, total or MAX_BYTES):
                raise InputError(f"{transfer.url}: refused: it sends more than it announced")
            with writing(transfer.part, CACHE):
                file.write(block)
            advance(len(block) / 1000)
        with writing(transfer.part, CACHE):
            file.flush()
        if total is not None and size < total:
            raise ConnectionError(f"broke off after {size:,} of {total:,} bytes")


def _close(file: BinaryIO, path: Path) -> None:
    with writing(path, CACHE):
        file.close()


def _index_path() -> Path:
    return cache_folder() / INDEX_NAME


def _recorded(url: str) -> str | None:
    entry = _read_index().get(url)
    return str(entry["sha256"]) if isinstance(entry, dict) and "sha256" in entry else None


def _read_index() -> dict[str, Any]:
    path = _index_path()
    advice = "it records the hashes of first downloads; remove it to trust the next ones anew"
    try:
        with reading(path, "JSON", advice=advice):
            value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def _record(url: str, sha256: str, size_bytes: int) -> None:
    path = _index_path()
    with writing(path, CACHE), FileLock(path.with_name(f".{path.name}.lock")):
        entry = {
            "sha256": sha256,
            "size_bytes": size_bytes,
            "first_fetched": time.strftime("%Y-%m-%d", time.gmtime()),
        }
        entries = {**_read_index(), url: entry}
        with written_beside(path, CACHE) as beside:
            beside.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
