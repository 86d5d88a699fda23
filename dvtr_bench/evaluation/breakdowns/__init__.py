"""The axes along which a result is broken down: one file each, its name is its key.

An axis is a module with ``groups(split, show_progress)``: the `dvtr_bench.ranking.groups.Groups` of
a split, or None where the axis says nothing about it.

Borders are fixed numbers, never quantiles of a split, so that a group means the same everywhere.
A group that nothing falls into stays in the list: that nothing does is a finding too.
"""
