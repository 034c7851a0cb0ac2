"""Formats of tables that other programs write: a file each, see `emocli.plugin.format`."""
