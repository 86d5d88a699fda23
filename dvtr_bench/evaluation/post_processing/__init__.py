"""What can be done to the scores of a whole run afterwards: one file each, its name is its key.

A post-processor is a module with

- ``STATEMENT``: one sentence for the result: what its scores depend on beside their own pair;
- ``fit(config, raw)``: looks at the `dvtr_bench.evaluation.post_process.RawScores` of a run and
  returns a `dvtr_bench.evaluation.post_process.Fitted`;
- ``Config``, where it has settings: a frozen dataclass of them, published values as defaults;
- ``NEEDS_BANK = True`` where it needs a `dvtr_bench.evaluation.query_bank.QueryBank`.

Nothing here is tuned: a setting is what the user names or what was published. Each setting has a
table of its own, so that one chosen with test figures in view cannot pass for the published one.
"""
