"""The manifest: a corpus as a list of clips, a CSV file with a TOML file beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emocli.data import folds, manifest_rules
from emocli.data.clip import SPLITS, Clip, by_dialogue
from emocli.data.columns import known_columns, read_clips, write_clips
from emocli.data.durable import replacing, write_at, write_lock
from emocli.data.folds import Fold
from emocli.data.manifest_rules import MOST_NAMES, Task
from emocli.data.sidecar import encoded, read_both, replaced, sidecar_path, toml_text
from emocli.errors import ManifestError, choice
from emocli.parsing import Tree
from emocli.paths import StrPath

__all__ = ["Manifest", "ManifestOrPath", "Task"]


@dataclass(frozen=True)
class Manifest:
    """A corpus: its clips, in the order of the file, and what is known of all of them.

    Attributes
    ----------
    clips : tuple of Clip
        At least one; their media are inside ``root``.
    classes : tuple of str
        In the order of a network's outputs.
    task : {'single', 'multi', 'intensity'}
        What is predicted: a clip's ``label``, or its ``labels``, 0/1 or a number for every class.
    dataset, citation, licence : str
        Of the corpus.
    root : Path
        Folder of the media.
    path : Path, optional
        The file it was read from.
    overlap : bool
        Whether a speaker or a dialogue may be in two splits.
    splits : str
        Where the splits are from, if they are not the corpus's own.
    notes : tuple of str
        What was left out or could not be done when it was built; not written.
    fold : Fold, optional
        Which fold is tested, if the splits are those of `folded`; not written.

    Raises
    ------
    ManifestError
        If it breaks a rule; ``lines`` (of the clips in ``path``) are for that message only.
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    task: Task
    dataset: str
    root: Path
    citation: str = ""
    licence: str = ""
    path: Path | None = field(default=None, compare=False)
    overlap: bool = False
    splits: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)
    fold: Fold | None = None
    lines: InitVar[Sequence[int]] = ()

    def __post_init__(self, lines: Sequence[int]) -> None:
        place = partial(self._place, lines)
        if not self.clips:
            raise ManifestError("holds no clip", where=self._name, hint="add clips, a row each")
        twice = manifest_rules.repeated(self.classes)
        if twice is not None:
            raise ManifestError(f"class '{twice}' is listed twice", where=self._name)
        manifest_rules.check_ids(self.clips, place)
        manifest_rules.check_values(self.clips, self.classes, self.task, self.root, place)
        if not self.overlap:
            manifest_rules.check_groups(self.clips, place)

    @classmethod
    def read(cls, path: StrPath, root: StrPath | None = None) -> Manifest:
        """Read ``path`` (CSV) and the TOML file of the same name beside it.

        Parameters
        ----------
        path : str or Path
            The CSV file; the columns are those of ``data_manifests/README.md``.
        root : str or Path, optional
            Folder of the media, instead of the one the TOML file names.

        Raises
        ------
        ManifestError
            If either file is absent or breaks a rule, which the message names with row and
            column, or if the folder that is named does not exist.
        """
        path = Path(path)
        if root is not None and not Path(root).is_dir():
            raise ManifestError("there is no such folder of media", where=root)
        table, sidecar = read_both(path)
        known = known_columns(sidecar.classes)
        base = manifest_rules.absolute(path.parent / sidecar.root if root is None else Path(root))
        manifest = cls(
            clips=tuple(read_clips(table.renamed(known), path, base, sidecar.classes)),
            classes=sidecar.classes,
            task=sidecar.task,
            dataset=sidecar.dataset,
            root=base,
            citation=sidecar.citation,
            licence=sidecar.licence,
            path=path,
            overlap=sidecar.overlap,
            splits=sidecar.splits,
            lines=table.lines,
        )
        manifest_rules.check_links(manifest.clips, base, partial(manifest._place, table.lines))
        return manifest

    @classmethod
    def of(cls, source: ManifestOrPath) -> Manifest:
        """Return a manifest as it is, or read the one at a path; errors as of `read`."""
        return source if isinstance(source, Manifest) else cls.read(source)

    def write(self, path: StrPath) -> None:
        """Write ``path`` and the TOML file beside it, both or none.

        Reading them again gives an equal manifest. Media paths are written relative to the root.
        The TOML file takes its place first, and says which CSV file it replaces; so what a kill
        between the two leaves is refused by `read`.

        Raises
        ------
        ManifestError
            If that is impossible, or a link leads from the media out of the root; files that were
            there are left as they were.
        """
        path = Path(path)
        manifest_rules.check_links(self.clips, self.root, partial(self._place, ()))
        cells = encoded(write_clips(self.clips, self.classes, self.root), path)
        with write_lock(path, wait=True):
            facts = self._facts(manifest_rules.absolute(path.parent), replaced(path, cells))
            about = encoded(toml_text(facts), path)
            with replacing(path) as table, replacing(sidecar_path(path)) as sidecar:
                for descriptor, content in ((table, cells), (sidecar, about)):
                    write_at(descriptor, content, 0)
                    os.fsync(descriptor)

    def split(self, name: str) -> tuple[Clip, ...]:
        """Return the clips of ``train``, ``valid`` or ``test``.

        Raises
        ------
        ManifestError
            If there is no split of that name.
        """
        if name not in SPLITS:
            hint = f"splits are: {', '.join(SPLITS)}"
            raise ManifestError(f"there is no split '{name}'", hint=hint)
        return tuple(clip for clip in self.clips if clip.split == name)

    def folded(self, index: int, count: int) -> Manifest:
        """Return the same clips with the splits of a cross-validation.

        Parameters
        ----------
        index : int
            The fold to test, counted from 0. The next one (after the last comes the first)
            validates, the others train.
        count : int
            How many folds: those of the clips' ``fold`` if there are so many, else
            `emocli.data.folds.assign` makes them.

        Raises
        ------
        ManifestError
            If the corpus cannot be folded so.
        """
        try:
            numbers = folds.assign(self.clips, count, self.overlap)
        except ManifestError as error:
            raise ManifestError(error.what, where=self._name, hint=error.hint) from None
        if not 0 <= index < count:
            hint = f"folds are 0 to {count - 1}"
            raise ManifestError(f"there is no fold {index}", where=self._name, hint=hint)
        fold = Fold(index=index, count=count)
        pairs = zip(self.clips, numbers, strict=True)
        clips = tuple(replace(clip, split=fold.split(number)) for clip, number in pairs)
        return replace(self, clips=clips, fold=fold)

    def merged(self) -> Manifest:
        """Return the same clips, those of the valid split in the train split."""
        clips = (replace(c, split="train") if c.split == "valid" else c for c in self.clips)
        return replace(self, clips=tuple(clips))

    def dialogues(self) -> dict[str, tuple[Clip, ...]]:
        """Return the clips of each dialogue by turn; a clip without dialogue is one by itself."""
        return by_dialogue(self.clips)

    def clip(self, clip_id: str) -> Clip:
        """Return the clip of that id; `ManifestError` if there is none."""
        if clip_id not in self._by_id:
            hint = choice(clip_id, list(self._by_id), MOST_NAMES)
            raise ManifestError(f"there is no clip '{clip_id}'", where=self._name, hint=hint)
        return self._by_id[clip_id]

    def is_labelled(self, clip: Clip) -> bool:
        """Whether the clip has what the task asks for."""
        return clip.label is not None if self.task == "single" else bool(clip.labels)

    def targets(self, clips: Iterable[Clip]) -> NDArray[Any]:
        """Return the labels as numbers.

        Returns
        -------
        ndarray
            Index of the class, int64, shape (n,), for a single-label task; else 0/1 or
            intensities, float32, shape (n, classes).

        Raises
        ------
        ManifestError
            If a clip has no label.
        """
        clips = tuple(clips)
        for clip in clips:
            if not self.is_labelled(clip):
                raise ManifestError(f"clip '{clip.id}' has no label", where=self._name)
        if self.task == "single":
            return np.array([self.classes.index(clip.label or "") for clip in clips], np.int64)
        rows = [[clip.labels[name] for name in self.classes] for clip in clips]
        return np.array(rows, np.float32).reshape(len(rows), len(self.classes))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that a feature may depend on: ids, times, texts and media paths.

        Independent of the order of the clips, of labels and splits, and of where the root is.
        """
        digest = hashlib.sha256()
        for _, record in sorted(self._records.items()):
            digest.update(record)
        return digest.hexdigest()

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """Clip to the SHA-256 over all of it that a feature of it alone may depend on."""
        return {i: hashlib.sha256(record).hexdigest() for i, record in self._records.items()}

    @cached_property
    def _records(self) -> Mapping[str, bytes]:
        prefix, records = manifest_rules.folder_prefix(self.root), {}
        for clip in self.clips:
            media = [
                [name, manifest_rules.relative(path, prefix)] for name, path in clip.media.items()
            ]
            record = [clip.id, clip.start, clip.end, clip.text, sorted(media)]
            records[clip.id] = json.dumps(record).encode()
        return records

    @cached_property
    def _by_id(self) -> Mapping[str, Clip]:
        return {clip.id: clip for clip in self.clips}

    def __repr__(self) -> str:
        return f"Manifest({str(self._name)!r}, {len(self.clips)} clips)"

    @property
    def _name(self) -> Path | str:
        return self.path or self.dataset

    def _place(self, lines: Sequence[int], index: int, column: str) -> str:
        row = f"row {lines[index]}" if lines else f"clip '{self.clips[index].id}'"
        return f"{self._name}, {row}, column '{column}'"

    def _facts(self, folder: Path, replaces: str) -> Tree:
        root = manifest_rules.absolute(self.root)
        inside = root.is_relative_to(folder)
        return {
            "dataset": self.dataset,
            "task": self.task,
            "classes": list(self.classes),
            "citation": self.citation,
            "licence": self.licence,
            "root": (root.relative_to(folder) if inside else root).as_posix(),
            "overlap": self.overlap,
            **({"splits": self.splits} if self.splits else {}),
            **({"replaces": replaces} if replaces else {}),
        }


ManifestOrPath = Manifest | StrPath
