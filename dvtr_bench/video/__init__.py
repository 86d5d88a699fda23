"""Clips in, frames out: decoding, sampling by time, resizing, frame encoding and perceptual hashes.

Data flows one way: `containers` opens a file, `decode` reads its frames in order, `sampling` picks
by time, `extract` resizes the picked frames, `frame_store` turns them into bytes. Only builders
come here; models read the stored frames. Nothing in this package imports torch.
"""
