"""Losses, metrics, the training loop and run folders."""
