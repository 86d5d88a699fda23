"""Verification of built datasets (`verify.py`).

Each module checks one thing and yields findings: files and their bytes (`files.py`), the form of
Parquet files (`parquet_form.py`), rows and the fingerprint (`rows.py`), stored frames
(`frames.py`), the card and the build report (`documents.py`).
"""
