"""Proxies: features of a modality that is bad or missing, regenerated from the good ones."""
