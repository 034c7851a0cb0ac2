"""Files that the features of a run are computed with, and their copies in a packed run.

Settings of type `Path`, and those that a feature says may be a model of the hub, name files and
folders of this machine. They are copied, in formats that hold data alone, and the settings in the
packed run say where in its folder they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from emocli import plugins
from emocli.config import Settings, Tree, build
from emocli.data.clip import Clip
from emocli.data.durable import digest, make_folder, replacing, write_at, write_text
from emocli.errors import RunError
from emocli.models.encoder_files import (
    DATA,
    EXTERNAL,
    PARAMETERS,
    TOKENS,
    data_files,
    without_paths,
)
from emocli.models.hub import cached_commit, noted_revision
from emocli.plugin.feature import Feature, WordTable
from emocli.prediction.packing.folder import ASSETS, NAME, WordVectors

PackedWords = Literal["all", "training", "none"]

SMALL = 100 * 2**20
"""Bytes of a file of word vectors that is packed as a whole unless it is said otherwise."""

WHOLE = 2**20
"""Bytes that are copied at once."""


@dataclass(frozen=True)
class Asset:
    """A file or folder that a setting of a feature names.

    Attributes
    ----------
    feature, setting : str
        Which.
    place : str
        Where it is in the packed run.
    write : callable
        Puts it there, below the folder that it is called with.
    source : Path
        Where it is on this machine.
    origin : str
        Who published it, as far as that is known: a model's name, whose licence counts.
    """

    feature: str
    setting: str
    place: str
    write: Callable[[Path], None]
    source: Path
    origin: str = ""


@dataclass(frozen=True)
class Assets:
    """All that features of a run are computed with, packed or not.

    ``settings`` are those of the features as they are packed; ``outside`` is what stays on the hub.
    """

    packed: tuple[Asset, ...]
    vectors: tuple[WordVectors, ...]
    outside: Mapping[str, str]
    settings: Mapping[str, Tree]


@dataclass(frozen=True)
class AssetOptions:
    """Options: which of the files that features are computed with are packed.

    Attributes
    ----------
    models : bool
        Whether models of the hub, and those of `emocli models`, are copied.
    words : {'all', 'training', 'none'}, optional
        Which word vectors are; by default all of a file of up to `SMALL` bytes, else the
        training's.
    """

    models: bool = False
    words: PackedWords | None = None


def assets_of(
    features: Mapping[str, Tree], options: AssetOptions, clips: Callable[[], Sequence[Clip]]
) -> Assets:
    """Find what features are computed with.

    Parameters
    ----------
    features : mapping
        Name to settings, as they are on this machine.
    options : AssetOptions
        What is packed of it.
    clips : callable
        Reads the clips of the training's corpus, if their words are asked for.

    Raises
    ------
    EmocliError
        If something is not here, or cannot be packed.
    """
    parts = [_of_feature(name, tree, options, clips) for name, tree in features.items()]
    return Assets(
        tuple(asset for part in parts for asset in part.packed),
        tuple(each for part in parts for each in part.vectors),
        {key: name for part in parts for key, name in part.outside.items()},
        {name: tree for part in parts for name, tree in part.settings.items()},
    )


def _of_feature(
    name: str, tree: Tree, options: AssetOptions, clips: Callable[[], Sequence[Clip]]
) -> Assets:
    module = cast(Feature, plugins.load("features", name))
    config = build(module.Config, tree, name)
    packed: list[Asset] = []
    vectors: list[WordVectors] = []
    outside: dict[str, str] = {}
    settings, noted = dict(tree), str(tree.get("digest", ""))
    for key, path in _files_named(module, config, options.models):
        table = module.VECTORS
        if table is not None and table.setting == key:
            words = options.words or ("all" if path.stat().st_size <= SMALL else "training")
            vectors.append(_described(name, table, path, words, config))
            if words == "none":
                settings[key] = path.name
                continue
            if words == "training":
                packed.append(_some_words(name, table, config, clips, path))
                continue
        published = path.name if key in module.HUB or key in module.PRETRAINED else ""
        packed.append(_copied(name, key, path, published))
    for key, model in _on_the_hub(module, config):
        revision: str | None = getattr(config, "revision", None)
        if options.models:
            snapshot = _snapshot(model, noted_revision(model, revision, noted))
            packed.append(_copied(name, key, snapshot, model))
            continue
        revision = revision or noted or cached_commit(model) or None
        if "revision" in module.Config.model_fields:
            settings["revision"] = revision
        outside[f"{name}.{key}"] = f"{model}@{revision}" if revision else model
    for key, (model, _) in module.PRETRAINED.items():
        if not options.models and settings.get(key) is None:
            outside[f"{name}.{key}"] = f"emocli models get {model}"
    settings |= {asset.setting: asset.place for asset in packed}
    return Assets(tuple(packed), tuple(vectors), outside, {name: settings})


def _files_named(module: Feature, config: Settings, models: bool) -> Iterator[tuple[str, Path]]:
    """Yield the settings that name something of this machine, and what."""
    values: dict[str, Any] = {key: getattr(config, key) for key in type(config).model_fields}
    for key, value in values.items():
        if isinstance(value, Path) or (key in module.HUB and Path(str(value)).exists()):
            yield key, Path(str(value))
        elif value is None and models and key in module.PRETRAINED:
            from emocli.pretrained.models import folder_of

            model, file = module.PRETRAINED[key]
            yield key, folder_of(model) / file


def _on_the_hub(module: Feature, config: Settings) -> Iterator[tuple[str, str]]:
    for key in module.HUB:
        value = str(getattr(config, key))
        if not Path(value).exists():
            yield key, value


def _described(
    feature: str, table: WordTable, path: Path, words: PackedWords, config: Settings
) -> WordVectors:
    return WordVectors(
        feature=feature,
        setting=table.setting,
        file=path.name,
        sha256=digest(path),
        bytes=path.stat().st_size,
        words=words,
        unknown=table.unknown(config),
    )


def _some_words(
    feature: str,
    table: WordTable,
    config: Settings,
    clips: Callable[[], Sequence[Clip]],
    source: Path,
) -> Asset:
    place = f"{ASSETS}/{feature}/{table.setting}.npz"

    def write(folder: Path) -> None:
        make_folder((folder / place).parent)
        table.write(config, clips(), folder / place)

    return Asset(feature, table.setting, place, write, source)


def _copied(feature: str, setting: str, source: Path, origin: str = "") -> Asset:
    place = f"{ASSETS}/{feature}/{setting}"
    if source.is_dir():
        copy_folder = partial(_copy_folder, source, place)
        return Asset(feature, setting, place, copy_folder, source, origin)
    packed = source.with_suffix("").suffix if source.suffix == ".gz" else ""
    place += f"{packed}{source.suffix}"
    return Asset(feature, setting, place, partial(_copy_file, source, place), source, origin)


def _copy_folder(source: Path, place: str, folder: Path) -> None:
    """Copy the data of a folder, without checkpoints, code and what is pickled."""
    data = [path.relative_to(source) for path in data_files(source)]
    if not any(name.suffix == PARAMETERS for name in data):
        hint = "only safetensors are packed: save the model as such"
        raise RunError("holds no parameters that can be packed", where=source, hint=hint)
    for name in data:
        _copy_file(source / name, f"{place}/{name.as_posix()}", folder)


def _copy_file(source: Path, place: str, folder: Path) -> None:
    if not NAME.fullmatch(place):
        hint = "rename it: letters, digits, '.', '_' and '-'"
        raise RunError("cannot be packed under its name", where=source, hint=hint)
    target = folder / place
    make_folder(target.parent)
    if source.suffix == ".onnx" and EXTERNAL in source.read_bytes():
        what = "keeps parameters in other files, and cannot be packed"
        raise RunError(what, where=source, hint="save it as one file")
    if source.suffix == ".json" and source.name not in TOKENS:
        write_text(target, without_paths(source))
    else:
        copy(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file by write-and-rename, unless it was copied before.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    if target.is_file() and digest(target) == digest(source):
        return
    with source.open("rb") as file, replacing(target) as descriptor:
        position = 0
        while block := file.read(WHOLE):
            write_at(descriptor, block, position)
            position += len(block)


def _snapshot(model: str, revision: str | None) -> Path:
    """Return the folder of a model of the hub, fetched if it is not in the cache."""
    from emocli.models.hub_encoder import obtained

    def load(how: Tree) -> Path:
        from huggingface_hub import snapshot_download

        local, patterns = bool(how["local_files_only"]), [f"*{ending}" for ending in sorted(DATA)]
        return Path(
            snapshot_download(
                model, revision=revision, local_files_only=local, allow_patterns=patterns
            )
        )

    return obtained("hub", model, load, revision)
