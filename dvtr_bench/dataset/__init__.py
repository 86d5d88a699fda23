"""Built datasets: schema, manifest, reader and the rules about splits."""
