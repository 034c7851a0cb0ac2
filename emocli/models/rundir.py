"""The folder of a trained network: written as a whole, read without executing anything.

A run of one seed is flat, in the layout of the Hugging Face hub: ``config.json`` (all that is
needed to use it), ``model.safetensors`` (network and standardisation; written last, so a run that
has it is complete), ``history.csv``, ``README.md`` (the model card), perhaps
``baselines.safetensors`` (the classical baselines) and ``reports/``. A run of several seeds
holds such a folder per seed, ``seed-0``, ``seed-1``, ..., under a ``config.json`` that lists them,
beside one ``baselines.safetensors`` for all. A cross-validation is a folder with such a run per
fold, ``fold-0``, ``fold-1``, ...
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from emocli import plugins
from emocli.config import S, Settings, Tree, build
from emocli.data.durable import no_folder, write_text
from emocli.data.json_io import as_json
from emocli.data.standardise import Standardiser
from emocli.errors import ConfigError, RunError, reason
from emocli.models import calibration, valid_predictions
from emocli.models.calibration import Calibration
from emocli.models.functionals_path import WithFunctionals
from emocli.models.layer_mix import WithLayerMix, mixed_dims
from emocli.models.network import OutputCheck, network_class
from emocli.models.run_config import Layers, RunConfig
from emocli.models.settings import TrainConfig
from emocli.models.tensors import (
    RESTORE,
    read_tensors,
    require_numbers,
    sized_by,
    write_tensors,
)
from emocli.models.valid_predictions import ValidPredictions
from emocli.parsing import read_object
from emocli.plugin.network import Network
from emocli.version import absent

CONFIG, MODEL, HISTORY, CARD = "config.json", "model.safetensors", "history.csv", "README.md"
CHECKPOINT, REPORTS = ".checkpoint", "reports"
REFIT = ".refit"
"""Folder of the checkpoint of a last fit, while it goes on."""

BASELINES = "baselines.safetensors"
"""The baselines on the same features, `emocli.models.baselines_io`."""

SPEAKERS = "speakers.safetensors"
"""Statistics of speakers, of a run with ``train.normalise=speaker``, `emocli.models.speakers`."""

FILES = (MODEL, calibration.FILE, valid_predictions.FILE, HISTORY, CARD, BASELINES, SPEAKERS)
"""The files of a training beside its configuration."""

LAST = "last.safetensors"
"""The checkpoint, in its folder."""

NETWORK = "network."

EpochMetrics = dict[str, float]
"""One epoch of a history."""


@dataclass(frozen=True)
class Run:
    """A trained network of one seed, ready to use."""

    path: Path
    config: RunConfig
    network: Network
    standardiser: Standardiser
    calibration: Calibration | None = None

    @property
    def temperature(self) -> float | None:
        """What its logits are divided by; None where it was not calibrated."""
        return self.calibration.temperature if self.calibration else None


def read_config(run: Path) -> RunConfig:
    """Read a run's ``config.json``.

    Raises
    ------
    RunError
        If there is no such run, or its configuration is damaged or of another format.
    """
    path = run / CONFIG
    if not os.path.lexists(run):
        raise RunError("there is no such run", where=run, hint="train it first: emocli train")
    if not path.is_file():
        why = f"it has no {CONFIG}" if run.is_dir() else "it is no folder"
        fold = f"name one of its folds, {run / 'fold-0'}" if folds(run) else ""
        hint = fold or "name a folder that emocli train wrote"
        raise RunError(f"is not a run ({why})", where=run, hint=hint)
    return read_as(RunConfig, path, "a run")


def read_as(kind: type[S], path: Path, what: str) -> S:
    """Read a ``config.json`` as the settings of ``what``.

    Raises
    ------
    RunError
        If it is damaged or that of something else.
    """
    try:
        return build(kind, read_object(path), "")
    except (OSError, ValueError, ConfigError) as error:
        why = error.what if isinstance(error, ConfigError) else reason(error)
        damaged = f"is damaged or not that of {what} ({why})"
        raise RunError(damaged, where=path, hint=RESTORE) from None


def write_config(run: Path, config: Settings) -> None:
    """Write ``config.json``."""
    write_text(run / CONFIG, as_json(config.model_dump(mode="json")))


def members(run: Path, seeds: Sequence[int]) -> list[Path]:
    """Return the folder of each seed: the run itself if there is one seed."""
    return [run] if len(seeds) == 1 else [run / f"seed-{seed}" for seed in seeds]


def member_folders(run: Path) -> list[Path]:
    """Return the folder of each seed of a run; errors as of `read_config`."""
    return members(run, read_config(run).seeds)


def fold_folders(run: Path, count: int) -> list[Path]:
    """Return the folder of each fold of a cross-validation."""
    return [run / f"fold-{index}" for index in range(count)]


def folds(run: Path) -> list[Path]:
    """Return the runs of a cross-validation; none if the folder does not hold one."""
    first = run / "fold-0"
    if (run / CONFIG).is_file() or not (first / CONFIG).is_file():
        return []
    fold = read_config(first).fold
    return [] if fold is None else fold_folders(run, fold.count)


def has_learnt(run: Path) -> bool:
    """Whether the training of one seed has learned anything that would be lost."""
    return any((run / name).is_file() for name in (MODEL, HISTORY, f"{CHECKPOINT}/{LAST}"))


def require_empty(run: Path, what: str) -> None:
    """Refuse a folder, which is not ``what``, for anything but hidden files.

    Raises
    ------
    RunError, StoreError
        If it holds some, is a file, or is to be in one.
    """
    above = next((path for path in run.absolute().parents if os.path.lexists(path)), run)
    if not above.is_dir():
        raise no_folder(run)
    if run.is_dir() and all(path.name.startswith(".") for path in run.iterdir()):
        return
    if os.path.lexists(run):
        hint = "choose another folder"
        raise RunError(f"is there already and is not {what}", where=run, hint=hint)


def finished(run: Path) -> bool:
    """Whether the training of one seed has come to its end."""
    return (run / MODEL).is_file()


def require_finished(run: Path) -> None:
    """Raise `RunError` for a training that has not come to its end."""
    if not finished(run):
        hint = "repeat the training command to resume"
        raise RunError("its training has not ended", where=run, hint=hint)


def make_network(config: RunConfig) -> Network:
    """Build the network, untrained.

    Raises
    ------
    ConfigError
        For an unknown network or setting, or one that makes no sense for the task.
    """
    if config.fusion not in plugins.names("fusion") and (packages := absent(config.versions)):
        what = f"its network '{config.fusion}' is of a package that is not installed"
        raise ConfigError(what, hint=f"install it; not here: {', '.join(packages)}")
    settings = build(plugins.load("fusion", config.fusion).Config, config.network, "network")
    parts = (config.dims, len(config.classes), settings, config.train)
    layers = {modality: view.layered for modality, view in config.features.items()}
    network = assemble(config.fusion, *parts, layers)
    network.set_task(config.logit_task, config.train.loss)
    return network


def assemble(
    fusion: str,
    dims: Mapping[str, int],
    outputs: int,
    settings: Settings,
    train: TrainConfig,
    layers: Mapping[str, Sequence[Layers]],
) -> Network:
    """Build a network with what the training puts around it; errors as of the network.

    ``layers`` says how many layers of an encoder stand side by side in each modality's features.
    """
    seen = mixed_dims(dims, layers) if train.layer_mix else dims
    network: Network = network_class(fusion)(seen, outputs, settings)
    network.register_forward_hook(OutputCheck(fusion, outputs))
    if train.functionals != "none":
        shape = (train.functionals_dropout, train.functionals_limit, train.functionals_steps)
        network = WithFunctionals(network, seen, outputs, train.functionals, *shape)
    return WithLayerMix(network, layers) if train.layer_mix else network


def write_model(run: Path, state: Mapping[str, Tensor], standardiser: Standardiser) -> None:
    """Write ``model.safetensors``: the network's parameters and the standardisation."""
    tensors = {f"{NETWORK}{name}": value for name, value in state.items()}
    tensors |= {name: torch.from_numpy(value) for name, value in standardiser.tensors().items()}
    write_parameters(run, tensors)


def write_parameters(run: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write ``model.safetensors`` as it is to be, which completes a run."""
    write_tensors(run / MODEL, tensors, {"format": "pt"})


def load(run: Path) -> Run:
    """Read the run of one seed.

    Raises
    ------
    RunError
        If it is absent, unfinished, damaged, or its parts do not fit each other.
    """
    config = read_config(run)
    require_finished(run)
    path = run / MODEL
    tensors = read_tensors(path)
    state = {n.removeprefix(NETWORK): t for n, t in tensors.items() if n.startswith(NETWORK)}
    require_numbers(path, state)
    arrays = {
        name: t.float().numpy() for name, t in tensors.items() if not name.startswith(NETWORK)
    }
    standardiser = Standardiser.from_tensors(arrays)
    try:
        _require_statistics(standardiser, config.dims)
    except ValueError as error:
        what = f"does not hold the statistics that {CONFIG} speaks of ({error})"
        raise RunError(what, where=path, hint=RESTORE) from None
    try:
        _require_room(config, path)
        network = make_network(config)
        network.load_state_dict(state)
    except ConfigError as error:
        raise RunError(error.what, where=run / CONFIG, hint=error.hint) from None
    except (RuntimeError, TypeError, ValueError, MemoryError, OverflowError):
        what = f"does not hold the network that {CONFIG} speaks of"
        raise RunError(what, where=path, hint=RESTORE) from None
    return Run(run, config, network.eval(), standardiser, read_calibration(run))


def read_calibration(run: Path) -> Calibration | None:
    """Read the calibration of a run of one seed; None if it has none.

    Raises
    ------
    RunError
        If it is damaged.
    """
    path = run / calibration.FILE
    return read_as(Calibration, path, "a calibration") if path.is_file() else None


def read_valid_predictions(run: Path) -> ValidPredictions:
    """Read what a trial predicts of the valid split.

    Raises
    ------
    RunError
        If it is absent or damaged.
    """
    return read_as(ValidPredictions, run / valid_predictions.FILE, "predictions of the valid split")


def _require_room(config: RunConfig, path: Path) -> None:
    """Raise `ValueError`, before memory is taken, for more parameters than the file has bytes."""
    unbuildable = suppress(RuntimeError, TypeError, NotImplementedError)  # without values
    with unbuildable, sized_by(path), torch.device("meta"):
        make_network(config)


def _require_statistics(standardiser: Standardiser, dims: Mapping[str, int]) -> None:
    if standardiser.mean.keys() != dims.keys():
        raise ValueError("they are of other modalities")
    for modality, dim in dims.items():
        standardiser.require(modality, dim)


def write_history(run: Path, history: Sequence[EpochMetrics]) -> None:
    """Write ``history.csv``, a row per epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(run / HISTORY, text.getvalue())


def read_history(run: Path, needed: Sequence[str] = ()) -> list[EpochMetrics]:
    """Read ``history.csv``, of which some columns may be ``needed``.

    Raises
    ------
    RunError
        If it is absent or damaged.
    """
    path = run / HISTORY
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key: float(v) for key, v in row.items()} for row in csv.DictReader(file)]
        require_columns(rows, needed)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        what = f"is absent or damaged ({reason(error)})"
        raise RunError(what, where=path, hint=RESTORE) from None
    return rows


def require_columns(history: Sequence[EpochMetrics], needed: Sequence[str]) -> None:
    """Raise `ValueError` for a history without rows, or whose rows lack a column."""
    if needed and not history:
        raise ValueError("it has no epoch")
    for name in needed:
        if not all(name in row for row in history):
            raise ValueError(f"it has no column '{name}'")


def clear(run: Path) -> None:
    """Remove the files of a training, and no others; of each folder the configuration last."""
    for folder in [*run.glob("seed-*"), run]:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
        for name in (CHECKPOINT, REFIT, REPORTS):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / CONFIG).unlink(missing_ok=True)
        if folder != run and not any(folder.iterdir()):
            folder.rmdir()


@dataclass(frozen=True)
class RunProgress:
    """The configuration of a run, the number of its finished seeds, and the epochs of each."""

    config: RunConfig
    finished: int
    epochs: tuple[int, ...]

    @property
    def facts(self) -> Tree:
        """The same in plain values."""
        own: Tree = {"finished": self.finished, "epochs": list(self.epochs)}
        return self.config.model_dump(mode="json") | own


def describe(run: Path) -> RunProgress:
    """Return the configuration and the progress of a run.

    Raises
    ------
    RunError
        If it is not one.
    """
    config = read_config(run)
    folders = members(run, config.seeds)
    return RunProgress(
        config,
        sum(finished(folder) for folder in folders),
        tuple(len(read_history(f)) if (f / HISTORY).is_file() else 0 for f in folders),
    )
