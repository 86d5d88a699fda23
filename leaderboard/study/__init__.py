"""The page of a study: its rows, how they differ, and its questions answered; from result files."""
