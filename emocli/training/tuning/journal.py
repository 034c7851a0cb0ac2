"""The journal of a search: Optuna's, in a file that is only appended to and survives any kill."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from emocli.config import leaves
from emocli.data.durable import locked
from emocli.errors import ConfigError, RunError
from emocli.parsing import parse_object
from emocli.training.tuning.study_summary import Trial, TrialOutcome

JOURNAL = "journal.log"
NAME = "emocli"
"""Of the study in its journal."""

STARTUP, WARMUP = 10, 5
"""Trials, the default among them, before TPE guesses any; trials, and epochs of each, that are
not pruned."""

NOTED = ("default.", "inputs.")
"""How the names of those values begin which the first versions of a study did not note."""

Sampler = Literal["tpe", "random"]

ENDED: Mapping[str, TrialOutcome] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
"""Optuna's states of trials that have ended."""


def load_optuna() -> Any:
    """Import Optuna, which then says nothing but what went wrong.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        hint = "pip install 'emocli[tune]', or name values with --try"
        raise ConfigError("a search needs Optuna", hint=hint) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    return optuna


class FileLock:
    """A lock of the journal that dies with its process, in place of a file that stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stack = ExitStack()

    def acquire(self) -> bool:
        """Wait for the lock."""
        self.stack.enter_context(locked(self.path, wait=True))
        return True

    def release(self) -> None:
        """Leave it to others."""
        self.stack.close()


def drop_half_line(path: Path) -> None:
    """Cut off a line that a kill has left half written.

    Raises
    ------
    RunError
        If the last whole line is none of a journal. Optuna takes it for one that is being written,
        and stumbles over it when another one follows.
    """
    if not path.is_file():
        return
    with path.open("r+b") as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        file.truncate(end)
    *_, last = content[:end].splitlines() or [b"{}"]
    try:
        parse_object(last.decode())
    except ValueError as error:
        raise _damaged(path) from error


def open_study(folder: Path, lower: bool, sampler: Sampler, seed: int, prune: bool) -> Any:
    """Open the study of a folder, an Optuna study, or begin it."""
    optuna = load_optuna()
    pruners = optuna.pruners
    pruner = pruners.MedianPruner(STARTUP // 2, WARMUP) if prune else pruners.NopPruner()
    return optuna.create_study(
        storage=_storage(optuna, folder),
        study_name=NAME,
        direction="minimize" if lower else "maximize",
        sampler=_sampler(optuna, sampler, seed),
        pruner=pruner,
        load_if_exists=True,
    )


def read_trials(folder: Path) -> tuple[list[Trial], bool]:
    """Return the trials of a folder that have ended, and whether less of the metric is better."""
    study = _study_of(folder)
    if study is None:
        return [], False
    return ended(study), study.direction == load_optuna().study.StudyDirection.MINIMIZE


def read_asked(folder: Path) -> Mapping[str, str] | None:
    """Return what the study of a folder was asked for; None if it was not begun."""
    study = _study_of(folder)
    return None if study is None else study.user_attrs.get("asked")


def differing(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what a study asked for otherwise than another, by dotted names.

    Of a study that was asked for the same, return those defaults and inputs it noted otherwise.
    """
    old, new = (dict(leaves({k: json.loads(v) for k, v in each.items()})) for each in (was, now))
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    requested = [key for key in changed if not key.startswith(NOTED)]
    return requested or [key for key in changed if key in old]


def _study_of(folder: Path) -> Any:
    """Return the study of a folder, to be read; None if it was killed before it was begun."""
    optuna = load_optuna()
    try:
        return optuna.load_study(study_name=NAME, storage=_storage(optuna, folder))
    except KeyError:
        return None


def again(study: Any, number: int) -> Any:
    """Return a trial that was interrupted; what it drew stays."""
    (frozen,) = (each for each in study.trials if each.number == number)
    return load_optuna().trial.Trial(study, frozen._trial_id)


def started(study: Any) -> list[Any]:
    """Return the trials that any process has begun; the first one waits for that."""
    return [each for each in study.trials if each.state.name != "WAITING"]


def ended(study: Any) -> list[Trial]:
    """Return the trials of a study that have ended, by number."""
    return [
        Trial(
            each.number,
            dict(each.params),
            ENDED[each.state.name],
            each.value if each.state.name == "COMPLETE" else None,
            each.user_attrs.get("epochs", 0),
            each.user_attrs.get("seconds", 0.0),
            each.user_attrs.get("error"),
        )
        for each in study.trials
        if each.state.name in ENDED
    ]


def _storage(optuna: Any, folder: Path) -> Any:
    """Read the journal of a folder; Optuna replays it line by line, and checks none."""
    backend = optuna.storages.journal.JournalFileBackend(
        str(folder / JOURNAL), lock_obj=FileLock(folder / ".journal.lock")
    )
    try:
        return optuna.storages.JournalStorage(backend)
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _damaged(folder / JOURNAL) from error


def _damaged(path: Path) -> RunError:
    return RunError("is damaged", where=path, hint="restore it, or begin another --study")


def _sampler(optuna: Any, sampler: Sampler, seed: int) -> Any:
    if sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    kind = optuna.samplers.TPESampler
    return kind(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)
