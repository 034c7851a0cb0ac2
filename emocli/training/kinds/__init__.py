"""The kinds of encoders, one per file: see `emocli.training.picture_source`."""
