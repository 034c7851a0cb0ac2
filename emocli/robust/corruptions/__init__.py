"""One corruption per file."""
