"""Comparing two builds or versions of a dataset: what changed from one to the other.

`light_rows.py` reads rows without their frames, `difference.py` compares, `settings.py` says what
was set otherwise, `printing.py` shows it.
"""
