"""Corruptions, canonical correlation analysis, the modality check, proxies and repairs."""
