"""What `dvtr-bench plot` draws of results: one kind a file, its name is its key.

A kind is a module with ``make(subject)``, which returns a `Chart` of a
`leaderboard.plot_subject.Subject`. Every chart of ``dvtr_bench/reports/charts`` is a kind too: of a
board's R@1, ranks or R@k, whichever it takes.
"""
