"""The functions behind ``import dvtr_bench as dvtr``, which the commands call too.

Together with the commands they are the only files of this package that import builders, baselines,
msam and leaderboard, and do so inside their functions.
"""
