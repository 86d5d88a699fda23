"""What a dataset says of itself beside its rows: card, build report, Croissant, TREC qrels."""
