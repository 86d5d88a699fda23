"""Executors of runs: this process, one process per device, or a Ray cluster."""
