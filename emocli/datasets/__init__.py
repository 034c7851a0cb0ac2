"""One corpus per file."""
