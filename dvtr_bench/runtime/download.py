"""The one way to fetch a file by its address: resumed, checked, kept in the cache.

Repositories of the Hugging Face Hub are fetched by its own client, which does the same.
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
from typing import Any, Final

from filelock import FileLock

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.runtime.files import file_sha256, written_beside
from dvtr_bench.runtime.progress import progress_bar

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 4_000_000_000
ATTEMPTS: Final = 4
"""How often in a row a connection may bring nothing before we give up, once one brought some."""

PAUSE_SECONDS: Final = 1.0
_BLOCK_BYTES: Final = 1 << 16
_FAILURES: Final = (OSError, http.client.HTTPException)
INDEX_NAME: Final = "index.json"


def cache_folder() -> Path:
    """Return where downloads are kept: ``dvtr-bench`` in Hugging Face's cache.

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
    """Fetch a file, unless it is there already and whole.

    A download that broke off goes on where it stopped, in this call and in the next. Two
    processes that want the same file wait for each other.

    Args:
        url: Its address, http or https.
        target: Where it goes, below `cache_folder`.
        sha256: What its bytes must hash to; None trusts the first download, records its hash in
            the cache's index and holds every later one to it.
        check: Raises for a file that is not what was asked for, such as an error page; called
            where there is no hash to compare with.
        show_progress: Show a progress bar.

    Returns:
        `target`.

    Raises:
        NotFoundError: It cannot be fetched; says why.
        InputError: It has other bytes than expected; nothing is kept.

    Example:
        >>> download("https://example.org/a", cache_folder() / "a")  # doctest: +SKIP
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        expected = sha256 or _recorded(url)
        if expected and target.is_file() and file_sha256(target) == expected:
            return target
        part = target.with_name(f"{target.name}.part")
        resumed = part.exists()
        found = _fetch(url, part, checked=expected is not None, show_progress=show_progress)
        if expected and found != expected and resumed:
            # What was kept may be of an older file: once more from the start.
            part.unlink()
            found = _fetch(url, part, checked=True, show_progress=show_progress)
        try:
            _compare(url, found, expected, sha256 is not None)
            if expected is None and check is not None:
                check(part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        if expected is None:
            _record(url, found, part.stat().st_size)
        part.replace(target)
        return target


def _compare(url: str, found: str, expected: str | None, is_published: bool) -> None:
    if expected is None or found == expected:
        return
    known = (
        "the published file has"
        if is_published
        else f"when it was first fetched, by the record in {_index_path()}, it had"
    )
    raise InputError(
        f"{url}: refused: its SHA-256 is {found}, {known} {expected}. It is damaged or was "
        "changed; nothing of it was kept. Try again, or get it by hand"
    )


@dataclass
class _Transfer:
    """One download under way.

    Attributes:
        url: The address.
        part: The file that grows.
        checked: Whether its hash is known, so that a wrong continuation is found out.
    """

    url: str
    part: Path
    checked: bool

    @property
    def _tag_path(self) -> Path:
        return self.part.with_name(f"{self.part.name}.etag")

    def open(self) -> tuple[Any, int]:
        """Ask for what is missing; return the response and how many bytes came before."""
        start = self.part.stat().st_size if self.part.exists() else 0
        tag = self._tag_path.read_text() if self._tag_path.exists() else ""
        headers = {"Accept-Encoding": "identity", "User-Agent": "dvtr-bench"}
        if start and (tag or self.checked):
            headers["Range"] = f"bytes={start}-"
            if tag:
                headers["If-Range"] = tag
        request = urllib.request.Request(self.url, headers=headers)
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            response.close()
            raise http.client.HTTPException("the server sent another part than was asked for")
        found = response.headers.get("ETag", "")
        # A weak tag does not promise the same bytes.
        self._tag_path.write_text(found if found.startswith('"') else "")
        return response, start

    def done(self) -> None:
        """Forget what only going on needs."""
        self._tag_path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Begin again with nothing."""
        self.part.unlink(missing_ok=True)
        self.done()


def _fetch(url: str, part: Path, *, checked: bool, show_progress: bool) -> str:
    """Bring `part` to its full length; return its hash."""
    transfer = _Transfer(url, part, checked)
    fruitless, began = 0, False
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
        except _FAILURES as failure:
            cause = failure.reason if isinstance(failure, urllib.error.URLError) else failure
            grown = part.exists() and part.stat().st_size > before
            began = began or grown
            fruitless = 0 if grown else fruitless + 1
            if not began or fruitless >= ATTEMPTS:
                reason = str(cause) or type(cause).__name__
                raise NotFoundError(f"{url}: cannot be fetched ({reason})") from failure
            time.sleep(PAUSE_SECONDS * fruitless)
        except InputError:
            transfer.restart()
            raise


def _receive(transfer: _Transfer, show_progress: bool) -> None:
    """Read one response to its end into the part.

    Raises:
        OSError: The connection broke off; what came is kept.
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
        file = stack.enter_context(transfer.part.open("ab" if start else "wb"))
        size = start
        while block := response.read(_BLOCK_BYTES):
            size += len(block)
            if size > min(MAX_BYTES, total or MAX_BYTES):
                raise InputError(f"{transfer.url}: refused: it sends more than it announced")
            file.write(block)
            advance(len(block) / 1000)
        if total is not None and size < total:
            raise ConnectionError(f"broke off after {size:,} of {total:,} bytes")


def _index_path() -> Path:
    return cache_folder() / INDEX_NAME


def _recorded(url: str) -> str | None:
    entry = _read_index().get(url)
    return str(entry["sha256"]) if isinstance(entry, dict) and "sha256" in entry else None


def _read_index() -> dict[str, Any]:
    try:
        value = json.loads(_index_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, json.JSONDecodeError) as failure:
        raise InputError(
            f"{_index_path()}: not JSON ({failure}): it records the hashes of first downloads; "
            "remove it to trust the next ones anew"
        ) from None
    return value if isinstance(value, dict) else {}


def _record(url: str, sha256: str, size_bytes: int) -> None:
    path = _index_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        entry = {
            "sha256": sha256,
            "size_bytes": size_bytes,
            "first_fetched": time.strftime("%Y-%m-%d", time.gmtime()),
        }
        entries = {**_read_index(), url: entry}
        with written_beside(path) as beside:
            beside.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
