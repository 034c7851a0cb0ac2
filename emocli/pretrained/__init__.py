"""Models that others trained, fetched by name: see `emocli.pretrained.models`."""
