"""Recordings without labels to class probabilities over time."""
