"""Reading weights that others wrote: CLIP's, the authors' checkpoints, files under other names."""
