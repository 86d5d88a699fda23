"""Finding clip files on disk and matching them to ids."""
