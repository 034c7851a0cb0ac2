"""Recordings: what a clip sounds and looks like."""
