"""Emotion recognition from text, voice and face: from raw clips to a robustness report."""

__version__ = "0.1.0"
