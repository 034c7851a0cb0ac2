"""Corpora, one per file: see `emocli.plugin.dataset`."""
