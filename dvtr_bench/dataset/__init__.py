"""The data contract: schema, manifest and reader of a built dataset."""
