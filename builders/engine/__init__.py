"""The engine: takes a `Source`, decodes what is missing, and puts a whole dataset in place."""
