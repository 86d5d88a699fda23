"""The basis of every run: device, processes, checkpoints, files, environment."""
