"""Features, one per file: see `emocli.plugin.feature`."""
