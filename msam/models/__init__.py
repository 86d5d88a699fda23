"""The models of this package, one file each; the file's name is the model's key."""
