"""The kinds of encoders, one per file: see `emocli.training.encoders.picture_source`."""
