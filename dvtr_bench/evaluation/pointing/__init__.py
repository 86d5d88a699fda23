"""Where a model looks, held against where things are: boxes, scores, pictures."""
