"""Video decoding, frame sampling by time, resizing, frame encoding and perceptual hashes.

`containers` opens a file, `decode` reads its frames in order, `sampling` picks frames by time,
`extract` resizes them, and `frame_store` encodes them. Models read the stored frames and use only
`resize` of this package. Nothing here imports torch.
"""
