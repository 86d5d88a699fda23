"""Run the command line as ``python -m dvtr_bench``."""

from dvtr_bench.main import main

main()
