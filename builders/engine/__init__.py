"""The build engine: checks a `Source`, decodes its clips and writes the dataset."""
