"""Recomputation of the features of a run, and whether it is possible on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import cast

from emocli import plugins
from emocli.config import (
    Plain,
    Settings,
    Tree,
    build,
    leaves,
    merge,
    require_known,
    shown,
    subsection,
)
from emocli.data.store.joined import JOIN
from emocli.data.store.recipe import LIBRARIES, is_former_digest
from emocli.data.store.upstream import upstream_settings
from emocli.errors import ConfigError, RunError
from emocli.extraction.normalise import SUFFIX
from emocli.models.hub import COMMIT
from emocli.models.run_config import RunConfig, View
from emocli.plugin.feature import Feature

DIGEST = "digest"
"""The setting in which a feature notes which encoder it was computed with."""


ENCODER = frozenset({"encoder", "revision"})
"""Settings that say which encoder of the hub is used."""


@dataclass(frozen=True)
class FeatureRecipe:
    """One feature to compute: its name, its settings, and what it is computed from.

    ``by_speaker`` if it is another one, normalised by speaker, instead of that of a plug-in.
    """

    name: str
    settings: Tree
    requires: tuple[str, ...]
    per_clip: bool
    by_speaker: bool = False


@dataclass(frozen=True)
class RunFeatures:
    """All features a run needs.

    Attributes
    ----------
    views : mapping
        Modality to the feature of the training.
    recipes : tuple of FeatureRecipe
        Those that are computed, each behind what it is computed from.
    remarks : tuple of str
        Settings that are other than in the training, files that are only elsewhere aside.
    """

    views: Mapping[str, View]
    recipes: tuple[FeatureRecipe, ...]
    remarks: tuple[str, ...] = ()

    @property
    def libraries(self) -> tuple[str, ...]:
        """Distributions that they are computed with."""
        own = [recipe.name for recipe in self.recipes if not recipe.by_speaker]
        modules = [cast(Feature, plugins.load("features", name)) for name in own]
        names = [name for module in modules for name in module.LIBRARIES]
        packages = [package for name in own for package in plugins.packages("features", name)]
        return tuple(dict.fromkeys([*LIBRARIES, *names, *packages]))

    @property
    def read(self) -> frozenset[str]:
        """Features that the network reads; all others are only computed from."""
        return frozenset(name for view in self.views.values() for name in parts(view))

    def only(self, modalities: Collection[str]) -> RunFeatures:
        """Return what some of the modalities need."""
        views = {name: view for name, view in self.views.items() if name in modalities}
        needed = {
            name for view in views.values() for part in parts(view) for name in self._of(part)
        }
        return RunFeatures(views, tuple(r for r in self.recipes if r.name in needed))

    def built_on(self, feature: str) -> frozenset[str]:
        """Name the modalities for which something is computed from a feature."""
        views = self.views.items()
        return frozenset(m for m, v in views for part in parts(v) if feature in self._of(part))

    def _of(self, feature: str) -> set[str]:
        """Name a feature and all that it is computed from."""
        requires = {recipe.name: recipe.requires for recipe in self.recipes}
        names, left = {feature}, [feature]
        while left:
            new = set(requires.get(left.pop(), ())) - names
            names |= new
            left += new
        return names


def parts(view: View) -> tuple[str, ...]:
    """Return the features that a modality is seen through, joined ones apart."""
    return tuple(view.feature.split(JOIN))


def run_features(
    run: Path,
    config: RunConfig,
    changes: Mapping[str, Plain],
    placed: Mapping[str, Plain] = MappingProxyType({}),
) -> RunFeatures:
    """Return what has to be computed for a run, as its features were.

    Parameters
    ----------
    run : Path
        Its folder.
    config : RunConfig
        What it is.
    changes : mapping
        Feature to settings that are other here: where a file of word vectors or an encoder is.
    placed : mapping
        Feature to settings that say where in a packed run something is.

    Raises
    ------
    RunError, ConfigError
        In one line, for a feature that cannot be computed: it was imported, its plug-in is not
        installed, or a file it needs is not here.
    """
    settings = known_settings(run, config, placed)
    known = known_settings(run, config, merge(placed, changes))
    recipes = {name: recipe_of(run, name, tree) for name, tree in known.items()}
    for recipe in list(recipes.values()):
        for name in set(recipe.requires) - recipes.keys():
            what = f"'{recipe.name}' was computed from '{name}', whose settings are not known"
            raise RunError(what, where=run, hint="put its store back, or train the run again")
    graph = {name: recipe.requires for name, recipe in recipes.items()}
    order = TopologicalSorter(graph).static_order()
    remarks = tuple(
        line
        for name in changes
        for line in _changed(recipes[name], subsection(changes, name), settings[name])
    )
    return RunFeatures(config.features, tuple(recipes[name] for name in order), remarks)


def _changed(recipe: FeatureRecipe, change: Tree, before: Tree) -> Iterator[str]:
    """Say which settings of a feature are other than they were."""
    if recipe.by_speaker:
        return
    module = cast(Feature, plugins.load("features", recipe.name))
    files = {key for key, _ in _paths(build(module.Config, recipe.settings, recipe.name))}
    for key in change.keys() - files:
        old, new = before.get(key, module.Config.model_fields[key].default), recipe.settings[key]
        if old != new:
            yield f"{recipe.name}.{key} is {new} here, and was {old} in the training"


def known_settings(run: Path, config: RunConfig, changes: Mapping[str, Plain]) -> dict[str, Tree]:
    """Return the settings of all features of a run, by name; see `run_features`.

    Raises
    ------
    ConfigError
        If a change is of a feature that the run does not use, or of a setting that it lacks.
    """
    settings: dict[str, Tree] = {}
    for view in config.features.values():
        settings |= {**upstream_of(run, config, view), **own_settings(view)}
    for name in changes.keys() - settings.keys():
        raise ConfigError(f"the run does not use '{name}'", hint=f"it uses {', '.join(settings)}")
    for name in changes.keys() & set(plugins.names("features")):
        require_known(plugins.load("features", name).Config, changes[name], name)
    return {name: _with(tree, subsection(changes, name)) for name, tree in settings.items()}


def require_places(name: str, before: Tree, after: Tree) -> None:
    """Refuse a change of a feature other than of where its files and its encoder are.

    Raises
    ------
    ConfigError
        If another setting is not as it was in the training.
    """
    module = cast(Feature, plugins.load("features", name))
    old, new = (build(module.Config, tree, name) for tree in (before, after))
    former = dict(leaves(old.model_dump(mode="json")))
    places = {*_places(new), *module.HUB, *ENCODER, DIGEST}
    for key, value in leaves(new.model_dump(mode="json")):
        if key not in places and value != former.get(key):
            what = f"setting '{name}.{key}' = {shown(value)}, which was {shown(former.get(key))} in"
            hint = "set only where files and encoders are, or train a run on the other feature"
            raise ConfigError(f"{what} the training", hint=hint)


def _places(config: Settings, prefix: str = "") -> Iterator[str]:
    """Yield the settings that are paths, those of nested settings too."""
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, Path):
            yield f"{prefix}{key}"
        elif isinstance(value, Settings):
            yield from _places(value, f"{prefix}{key}.")


def _with(tree: Tree, changes: Tree) -> Tree:
    """Change settings; the commit that was noted is not that of another encoder."""
    merged = merge(tree, changes)
    moved = changes.keys() & ENCODER and COMMIT.fullmatch(str(tree.get(DIGEST)))
    return {**merged, DIGEST: ""} if moved else merged


def upstream_of(run: Path, config: RunConfig, view: View) -> dict[str, Tree]:
    """Return the settings of what a view was computed from, by name."""
    return view.upstream or _still_stored(run, config, view)


def own_settings(view: View) -> dict[str, Tree]:
    """Return the settings of a view's features by their names."""
    names = parts(view)
    if len(names) == 1:
        return {view.feature: view.settings}
    return {name: subsection(view.settings, name) for name in view.settings}


def _still_stored(run: Path, config: RunConfig, view: View) -> dict[str, Tree]:
    """Look the settings up in the store of a run that does not say them itself."""
    folder = config.store.locate(run)
    return upstream_settings(folder, view.feature) if folder.is_dir() else {}


def recipe_of(run: Path, name: str, settings: Tree) -> FeatureRecipe:
    """Return how one feature is computed.

    Raises
    ------
    RunError
        If emocli does not compute it.
    ConfigError
        If something that it needs is not here.
    """
    known = plugins.names("features")
    if name not in known and name.endswith(SUFFIX):
        return FeatureRecipe(name, {}, (name.removesuffix(SUFFIX),), False, by_speaker=True)
    if name not in known:
        what = (
            f"its feature '{name}' was imported, or is of a package that is not installed, and "
            "cannot be computed here"
        )
        hint = f"import '{name}' of your clips and name manifest and store: emocli evaluate, or "
        raise RunError(what, where=run, hint=f"{hint}load_run(RUN).predict(MANIFEST, STORE)")
    module = cast(Feature, plugins.load("features", name))
    if unknown := settings.keys() - module.Config.model_fields.keys():
        what = f"its feature '{name}' was imported ({', '.join(sorted(unknown))}), not computed"
        hint = f"import '{name}' of your clips, and use load_run(RUN).predict(MANIFEST, STORE)"
        raise RunError(what, where=run, hint=hint)
    built = _built(run, module, name, settings)
    _require_encoder(module, name, settings)
    return FeatureRecipe(name, built.model_dump(mode="json"), module.REQUIRES, module.PER_CLIP)


def _built(run: Path, module: Feature, name: str, settings: Tree) -> Settings:
    config = build(module.Config, settings, name)
    for key, path in _paths(config):
        place = path if path.exists() else _around(run, path)
        if place is None:
            raise ConfigError(
                f"'{name}' needs {path}, which is not here",
                where=f"setting '{name}.{key}'",
                hint=f"say where it is: --set {name}.{key}=FILE",
            )
        if place != path:
            config = build(module.Config, {**settings, key: str(place)}, name)
    return config


def _around(run: Path, path: Path) -> Path | None:
    """Look for a relative path, which began where the run was trained, around the run."""
    if path.is_absolute():
        return None
    places = (folder / path for folder in run.resolve().parents)
    return next((place for place in places if place.exists()), None)


def _paths(config: Settings) -> Iterator[tuple[str, Path]]:
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, Path):
            yield key, value


def _require_encoder(module: Feature, name: str, settings: Tree) -> None:
    """Refuse an encoder that has been trained again since."""
    recorded = str(settings.get(DIGEST) or "")
    if not recorded or COMMIT.fullmatch(recorded):  # that commit is loaded (`noted_revision`)
        return
    fresh = build(module.Config, {k: v for k, v in settings.items() if k != DIGEST}, name)
    now = str(fresh.model_dump().get(DIGEST))
    if not is_former_digest(DIGEST, recorded, now):  # equal ones, too
        what = "is not the one the run was trained with" if now else "is not here"
        what = f"the encoder of '{name}' {what}"
        setting = next((f"{name}.{key}" for key, _ in _paths(fresh)), f"{name}.encoder")
        hint = f"say where that is: --set {setting}=PLACE"
        raise ConfigError(what, where=f"setting '{setting}'", hint=hint)
