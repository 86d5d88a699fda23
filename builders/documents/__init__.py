"""Documents of a dataset: card, build report, Croissant, TREC qrels."""
