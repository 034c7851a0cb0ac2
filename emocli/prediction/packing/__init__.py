"""Trained runs in one folder that can be moved, sent, and put on the Hugging Face hub."""
