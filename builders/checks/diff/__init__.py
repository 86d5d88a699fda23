"""Compare two builds or versions of a dataset.

`difference.py` compares rows, without their frames, and settings; `printing.py` prints the result.
"""
