"""Paired comparison of two runs: differences, evidence, tables, pages and contact sheet."""
