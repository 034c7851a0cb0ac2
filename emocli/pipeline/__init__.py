"""Small stages: from a manifest to a check file, and looking at what is there."""
