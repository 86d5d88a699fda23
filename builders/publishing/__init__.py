"""Publishing: a built dataset to the Hugging Face Hub, as a commit and a tag."""
