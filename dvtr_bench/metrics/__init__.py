"""The metrics: one file each, its name is its key.

A metric is a module with

- ``FIGURES``: the names of its figures, in the order of reports;
- ``HIGHER_IS_BETTER``: True or False;
- ``compute(ranks, counts, gallery_size)``: a pure function of how many queries have which rank,
  which returns finite numbers of 0 or more by figure, one for each row of ``counts``.

``ranks`` holds the distinct ranks in ascending order (int64, U) and ``counts`` how many queries
have each (float64, B x U), one row for the run itself and one for each resample of the bootstrap,
so every metric gets intervals without extra code. A figure that is not defined for the gallery is
left out.
"""
