"""Compare two builds or versions of a dataset.

`row_summaries.py` reads rows without their frames, `difference.py` compares them, `settings.py`
compares settings, `printing.py` prints the result.
"""
