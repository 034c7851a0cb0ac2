"""Protocols, one per file: see `emocli.plugin.protocol`."""
