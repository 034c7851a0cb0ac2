"""Features of clips, computed into a store."""
