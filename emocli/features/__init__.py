"""One feature per file."""
