"""What a dataset is read from: published files, zips, tables of captions, a folder of one's own."""
