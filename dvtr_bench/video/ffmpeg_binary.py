"""Where the ffmpeg program is: the one on PATH, else the one that imageio-ffmpeg ships."""

import shutil
from functools import lru_cache

from dvtr_bench.errors import NotFoundError


@lru_cache(maxsize=1)
def ffmpeg_binary() -> str:
    """Find an ffmpeg program.

    Returns:
        The path of ``ffmpeg`` on PATH, or of the binary of imageio-ffmpeg where PATH has none.

    Raises:
        NotFoundError: Neither is there.

    Example:
        >>> "ffmpeg" in ffmpeg_binary()
        True
    """
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        return on_path
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise NotFoundError(
            "no ffmpeg program found: none is on PATH and imageio-ffmpeg has none for this "
            f"machine ({error}). Install ffmpeg with the system's package manager, or point "
            "IMAGEIO_FFMPEG_EXE at one."
        ) from error
