"""Plug-ins for emocli, at least one of every kind."""
