"""What scores texts against videos on a frame encoder, and the model that all heads share."""
