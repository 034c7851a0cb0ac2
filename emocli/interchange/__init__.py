"""Features in and out of the formats of others."""
