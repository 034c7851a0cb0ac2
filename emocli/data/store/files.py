"""The files of a store folder: where each feature and each modality check is."""

from __future__ import annotations

from pathlib import Path

from emocli.data.folds import Fold
from emocli.errors import StoreError

CHECK = "check"
"""Name of the file that holds the modality check."""

AS_GIVEN = f"{CHECK}_as_given"
"""Name of the one that is fitted on clips as given."""

BY_SPEAKER = "_by_speaker"
"""End of the name of a check that is fitted on features normalised by speaker."""

RESERVED = frozenset({CHECK, AS_GIVEN, CHECK + BY_SPEAKER, AS_GIVEN + BY_SPEAKER})
"""Names of ``.h5`` files in a store folder that are not features."""

INSPECTED = frozenset({"kind", "path", "problems"})
"""Names that no new feature has: the keys beside the features in `emocli inspect STORE --json`."""

EMPTY = "run emocli extract or emocli import first"
"""What to do where a folder has no features."""


def store_path(folder: Path, feature: str) -> Path:
    """Return the path of a feature in a store folder."""
    return folder / f"{feature}.h5"


def check_path(
    folder: Path, fold: Fold | None = None, fit_on: str = "clean", normalise: str = "none"
) -> Path:
    """Return the path of a store's modality check; each fold of a cross-validation has its own.

    ``fit_on`` is ``clean``, or ``as_given``: that one is a file of its own, beside the other; so is
    one of features that are normalised by ``speaker``.
    """
    as_given, relative = fit_on == "as_given", BY_SPEAKER if normalise == "speaker" else ""
    if fold is None:
        return folder / f"{AS_GIVEN if as_given else CHECK}{relative}.h5"
    suffix = f"{'_as_given' if as_given else ''}{relative}"
    return folder / f"{CHECK}s" / f"fold-{fold.index}-of-{fold.count}{suffix}.h5"


def features_in(folder: Path) -> list[str]:
    """Names of the features in a store folder, sorted."""
    return sorted(
        path.stem
        for path in folder.glob("*.h5")
        if path.stem not in RESERVED and not path.name.startswith(".")
    )


def require_no_folder(path: Path) -> None:
    """Refuse a folder where the file of a feature is expected; `StoreError` names those in it."""
    if path.is_dir():
        names = ", ".join(f"{name}.h5" for name in features_in(path))
        what = "is a folder, not the file of a feature" + ("" if names else ", and has none")
        hint = f"name one of its files: {names}" if names else EMPTY
        raise StoreError(what, where=path, hint=hint)
