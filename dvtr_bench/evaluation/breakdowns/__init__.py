"""The axes of breakdowns, one file each; the module's name is its key.

Each module has ``groups(split, show_progress)``, which returns the
`dvtr_bench.ranking.rank_table.Groups` of a split, or None if the axis does not apply to it.

Limits of groups are fixed numbers, not quantiles of a split, so that a group means the same
everywhere. Empty groups stay in the list, since it is useful to know that they are empty.
"""
