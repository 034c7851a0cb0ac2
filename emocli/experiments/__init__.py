"""Experiments: one runner, and the tables of the papers (`emocli.experiments.papers`)."""
