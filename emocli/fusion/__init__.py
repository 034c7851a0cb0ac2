"""Fusion networks, one per file: see `emocli.plugin.network`."""
