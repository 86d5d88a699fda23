"""Verification of built datasets (`verify.py`).

Each module checks one thing and yields findings: files, their bytes and the form
of Parquet files (`files.py`), rows, the fingerprint and kept clips (`rows.py`), stored frames
(`frames.py`), the card and the build report (`documents.py`).
"""
