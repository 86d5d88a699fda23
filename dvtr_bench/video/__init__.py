"""Clips in, frames out: decoding, sampling by time, resizing, frame encoding and perceptual hashes.

Data flows one way: `containers` opens a file, `decode` reads its frames in order, `sampling` picks
by time, `extract` resizes the picked frames, `frame_store` turns them into bytes. Models read the
stored frames; of this package they use the resizing alone. Nothing here imports torch.
"""
