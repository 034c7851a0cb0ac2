"""Clips, manifests, media, feature stores and batches."""
