"""Publishing of a built dataset on the Hugging Face Hub, as a commit and a tag."""
