"""Corruptions, one per file: see `emocli.plugin.corruption`."""
