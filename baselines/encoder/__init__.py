"""The CLIP encoder of all models, and the pretraining of the tiny one."""
