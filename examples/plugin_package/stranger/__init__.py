"""One plug-in for emocli of every kind but an analysis."""
