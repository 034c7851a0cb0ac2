"""Readers of transcripts, a file per format: see `emocli.plugin.transcript`."""
