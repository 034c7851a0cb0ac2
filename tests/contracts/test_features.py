"""What every feature promises, on a generated clip."""

from __future__ import annotations

import ast
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emocli import config, plugins
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.store.recipe import LIBRARIES as RECORDED
from emocli.plugin.feature import Absent, Extractor, Track

NAMES = plugins.names("features")
DISTRIBUTIONS = packages_distributions()
OF_EXTRAS = {r.split(">")[0] for r in requires("emocli") or () if "extra ==" in r}
"""Distributions that an extra brings along."""

PRIVATE = "emocli.features._"
LOADERS = ("importlib.import_module", "importlib.util.find_spec", "installed")

MEDIA: Mapping[str, set[str]] = {
    "emocli.plugin.feature.mixed_down": {"av", "soxr"},
    "emocli.plugin.feature.first_channel": {"av"},
    "emocli.plugin.feature.frames": {"av"},
    "emocli.plugin.feature.chosen_frames": {"av"},
    "emocli.plugin.feature.read_frames": {"av"},
}
"""What reads the sound and the pictures of a clip, and the distributions that it runs on."""

NETWORKS = ("emocli.models.", "emocli.pretrained.")
"""Modules of networks, by which a feature may run on more than it imports."""


@pytest.fixture(autouse=True)
def _with_its_extra(request: pytest.FixtureRequest) -> None:
    """Skip a feature whose extra is not installed."""
    if "name" not in request.fixturenames:
        return
    module = plugins.load("features", request.getfixturevalue("name"))
    for library in OF_EXTRAS.intersection(module.LIBRARIES):
        try:
            version(library)
        except PackageNotFoundError:
            pytest.skip(f"needs {library}, of an extra")


def extractor(name: str, corpus: Manifest, settings: Mapping[str, Any]) -> Extractor:
    module = plugins.load("features", name)
    result: Extractor = module.prepare(
        config.build(module.Config, settings.get(name, {}), name), corpus.clips
    )
    return result


def extract(name: str, clip: Clip, corpus: Manifest, settings: Mapping[str, Any]) -> Track:
    required = plugins.load("features", name).REQUIRES
    upstream = {other: extract(other, clip, corpus, settings) for other in required}
    return extractor(name, corpus, settings)(clip, upstream)


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_finite_rows_in_time(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any]
) -> None:
    clip = corpus.clips[0]
    track = extract(name, clip, corpus, corpus_settings)
    assert len(track) > 0
    assert np.isfinite(track.values).all()
    assert np.ptp(track.values) > 0
    names = extractor(name, corpus, corpus_settings).names
    assert len(names) in (0, track.values.shape[1])
    assert len(set(names)) == len(names)
    if track.times is not None:
        assert (np.diff(track.times) >= 0).all()
        assert 0 <= track.times[0] <= track.times[-1] < 3


@pytest.mark.parametrize("name", NAMES)
def test_the_libraries_it_names_are_distributions(name: str) -> None:
    for library in plugins.load("features", name).LIBRARIES:
        assert version(library)


def names_of(module: str) -> set[str]:
    """Return the names that a feature imports, at the top or inside a function.

    Files of its folder count, and private modules that features share.
    """
    spec = find_spec(module)
    assert spec
    assert spec.origin
    path = Path(spec.origin)
    files = path.parent.glob("*.py") if path.name == "__init__.py" else [path]
    names = {name for file in files for name in _imports(ast.parse(file.read_text("utf-8")))}
    shared = {".".join(name.split(".")[:3]) for name in names if name.startswith(PRIVATE)}
    return names.union(*map(names_of, shared - {module}))


def imported(module: str) -> set[str]:
    """Return the distributions of these names, and those that read its media."""
    names = names_of(module)
    tops = {name.partition(".")[0] for name in names} - {"emocli", *sys.stdlib_module_names}
    own = {dist for top in tops for dist in DISTRIBUTIONS.get(top, [top])}
    return own.union(*(MEDIA.get(name, set()) for name in names))


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield names of imported modules, but those that only a type checker imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in LOADERS:
            yield ast.literal_eval(node.args[0])
        yield from _imports(node)


@pytest.mark.parametrize("feature", NAMES)
def test_it_names_the_libraries_that_it_imports(feature: str) -> None:
    module = plugins.load("features", feature)  # its extra need not be installed
    own, known = imported(module.__name__), {*RECORDED, "pydantic"}
    assert own - known <= {*module.LIBRARIES}
    if not any(name.startswith(NETWORKS) for name in names_of(module.__name__)):
        assert {*module.LIBRARIES} <= own


def test_imports_inside_functions_and_of_shared_modules_count() -> None:
    assert {"opencv-python", "scikit-image"} <= imported("emocli.features.face_hog")
    assert "librosa" in imported("emocli.features.mel")  # in the module it shares
    assert "torch" in imported("emocli.features.text_model")
    assert {"av", "soxr"} <= imported("emocli.features.onnx_sound")  # by what reads the sound


@pytest.mark.parametrize("name", NAMES)
def test_the_same_clip_gives_the_same_rows_in_any_process(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any]
) -> None:
    clip = corpus.clips[0]
    module = plugins.load("features", name)
    upstream = {o: extract(o, clip, corpus, corpus_settings) for o in module.REQUIRES}
    instance = extractor(name, corpus, corpus_settings)
    first = instance(clip, upstream)
    second = pickle.loads(pickle.dumps(instance))(clip, upstream)
    np.testing.assert_array_equal(first.values, second.values)
    assert first.extra.keys() == second.extra.keys()


@pytest.mark.parametrize("name", NAMES)
def test_other_clips_give_other_rows(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any]
) -> None:
    one, other = (extract(name, clip, corpus, corpus_settings) for clip in corpus.clips[:2])
    assert one.values.shape[1:] == other.values.shape[1:]
    assert one.values.shape != other.values.shape or (one.values != other.values).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_without_its_medium_is_absent(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any]
) -> None:
    module = plugins.load("features", name)
    if module.REQUIRES:
        pytest.skip("is computed from another feature")
    clip = replace(corpus.clips[0], media={}, text="")
    with pytest.raises(Absent):
        extractor(name, corpus, corpus_settings)(clip, {})


@pytest.mark.parametrize("name", [n for n in NAMES if plugins.load("features", n).PER_CLIP])
def test_a_clip_that_stands_alone_needs_no_others(
    name: str, corpus: Manifest, corpus_settings: Mapping[str, Any]
) -> None:
    clip = corpus.clips[1]
    among = extract(name, clip, corpus, corpus_settings)
    alone = extract(name, clip, replace(corpus, clips=(clip,)), corpus_settings)
    np.testing.assert_array_equal(among.values, alone.values)
    assert among.notes == alone.notes
    for other in plugins.load("features", name).REQUIRES:
        assert plugins.load("features", other).PER_CLIP
