"""The functions behind ``import dvtr_bench as dvtr``, which the commands call too.

These files and the commands are the only ones of this package that import builders, baselines, msam
and leaderboard, and only inside functions.
"""
