"""The page of a study, from result files: its rows, differences and answers."""
