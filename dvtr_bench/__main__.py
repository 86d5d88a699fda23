"""Run the command line as ``python -m dvtr_bench``."""

from dvtr_bench.cli import main

main()
