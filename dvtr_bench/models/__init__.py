"""What a model must offer, and the list of the models there are."""
