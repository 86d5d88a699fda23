"""Post-processors of scores, one file each; the module's name is its key.

Each module has

- ``STATEMENT``: one sentence for the result: what scores depend on besides their own pair;
- ``fit(config, raw)``: takes the `dvtr_bench.evaluation.post_process.RawScores` of a run and
  returns a `dvtr_bench.evaluation.post_process.Fitted`;
- ``Config``, if it has settings: a frozen dataclass with the published values as defaults;
- ``NEEDS_BANK = True``, if it needs a `dvtr_bench.evaluation.query_bank.QueryBank`.

Nothing is tuned here: settings are given by the user or published. Results with different settings
are in different tables, so that settings chosen on test figures cannot pass for published ones.
"""
