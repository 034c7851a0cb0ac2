"""Metrics of predictions, and their statistics."""
