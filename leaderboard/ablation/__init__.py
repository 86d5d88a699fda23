"""Ablation tables: one model with one thing changed at a time."""
