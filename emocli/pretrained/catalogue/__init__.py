"""The models that can be fetched, a file each with ``MODEL``: see `emocli.plugin.model`."""
