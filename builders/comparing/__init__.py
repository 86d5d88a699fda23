"""Comparing two builds or versions of a dataset: what changed from one to the other.

`sides.py` opens a built folder or a published dataset, `light_rows.py` reads its rows without their
frames, `difference.py` compares, `settings.py` says what was set otherwise, `printing.py` shows it.
"""
