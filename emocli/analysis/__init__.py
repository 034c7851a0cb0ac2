"""What a trained network does: one analysis per file."""
