"""The tables of the papers, one experiment per file: see `emocli.plugin.experiment`."""
