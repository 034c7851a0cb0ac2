"""What an extraction left: failures, and stores that are to be the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from numpy.testing import assert_array_equal

from emocli.data.manifest import Manifest
from emocli.data.store import FeatureStore
from emocli.extraction.extract import extract
from emocli.extraction.failures import FILE


def failures(store: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (store / FILE).read_text("utf-8").splitlines()]


def assert_same(a: Path, b: Path) -> None:
    """Compare every array, id and attribute, and that nothing else was left behind."""
    with FeatureStore.open(a) as one, FeatureStore.open(b) as two:
        assert one.ids == two.ids
        assert one.absent == two.absent
        assert one.header.attributes == two.header.attributes
        assert one.columns.keys() == two.columns.keys()
        for clip_id in one.ids:
            left, right = one.track(clip_id), two.track(clip_id)
            assert_array_equal(left.values, right.values)
            assert_array_equal(left.times, right.times)
            assert left.notes == right.notes
            for name in left.extra:
                assert_array_equal(left.extra[name], right.extra[name])
        assert one.is_intact()
        assert two.is_intact()
    assert {p.name for p in a.parent.iterdir()} == {p.name for p in b.parent.iterdir()}


def interrupt(
    manifest: Manifest,
    store: Path,
    parts: int,
    settings: dict[str, dict[str, object]] | None = None,
    overwrite: bool = False,
) -> None:
    """Extract until so many parts are written, then stop as Ctrl-C does."""

    def stop(done: int, total: int) -> None:
        if done >= 8 * parts:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(
            manifest, ["toy"], store, settings=settings or {}, overwrite=overwrite, progress=stop
        )
    assert len(list((store / ".toy.parts").glob("[0-9]*.h5"))) == parts
