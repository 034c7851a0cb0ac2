"""One plug-in for emocli of every kind."""
