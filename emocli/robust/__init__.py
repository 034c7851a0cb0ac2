"""Corruptions, canonical correlation, the modality check and proxies."""
