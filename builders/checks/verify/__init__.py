"""Checking built datasets: is a folder whole and what it says it is (`verify.py`).

Each module checks one thing and yields findings: files and their bytes (`files.py`), the form of
Parquet files (`parquet_form.py`), rows against each other and the fingerprint (`rows.py`), stored
frames (`frames.py`), the card and the build report (`documents.py`).
"""
