"""The settings of the features that another one was computed from, all the way up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emocli.data.store.files import store_path
from emocli.data.store.folder import parts_in
from emocli.data.store.header import Header
from emocli.data.store.reader import FeatureStore
from emocli.errors import StoreError
from emocli.parsing import Tree


def upstream_settings(folder: Path, name: str) -> dict[str, Tree]:
    """Return the settings of the features that one, or each of ``a+b``, was computed from.

    Parameters
    ----------
    folder : Path
        The store; what is no longer in it, or has been made anew with other settings, is left out.
    name : str
        The feature.
    """
    settings: dict[str, Tree] = {}
    for part in parts_in(folder, name):
        header = _header(folder, part)
        settings |= {} if header is None else dict(_above(folder, header))
    return settings


def _above(folder: Path, header: Header) -> Iterator[tuple[str, Tree]]:
    for name, link in header.upstream.items():
        upstream = _header(folder, name)
        if upstream is not None and upstream.method == link.get("method", upstream.method):
            yield name, dict(upstream.settings)
            yield from _above(folder, upstream)


def _header(folder: Path, name: str) -> Header | None:
    try:
        with FeatureStore.open(store_path(folder, name)) as store:
            return store.header
    except StoreError:
        return None
