"""The ffmpeg program that makes the tests' clips and checks our decoder.

Never the one on PATH: older ones lack options that clips are made with here, and other builds write
other bytes.
"""

import os
from functools import lru_cache

import imageio_ffmpeg


@lru_cache(maxsize=1)
def ffmpeg_binary() -> str:
    """Find the program.

    Returns:
        The path that IMAGEIO_FFMPEG_EXE names, else that of imageio-ffmpeg's own program.
    """
    program = str(imageio_ffmpeg.get_ffmpeg_exe())
    # Where its package holds none for the system, imageio-ffmpeg would go on to PATH.
    assert os.path.dirname(program), "imageio-ffmpeg has no program here: set IMAGEIO_FFMPEG_EXE"
    return program
