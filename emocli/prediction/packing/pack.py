"""The packing of a trained run: all that `emocli predict` needs, in one folder.

The folder is written file by file, each as a whole, and its list last: a killed packing leaves a
folder that says that it has not ended, and the same call goes on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from emocli.config import Plain, Tree
from emocli.data.clip import Clip
from emocli.data.durable import digest, locked, make_folder, used_folder, write_text
from emocli.data.json_io import as_json
from emocli.errors import EmocliError, RunError
from emocli.evaluation.evaluator import RunEvaluator
from emocli.evaluation.run_inputs import read_corpus
from emocli.models import calibration, rundir
from emocli.models.run_config import RunConfig, View
from emocli.models.rundir import CARD, CONFIG, MODEL, SPEAKERS
from emocli.models.speakers import read_speakers, save_speakers
from emocli.paths import StrPath
from emocli.plugin.robustness import PROXY, TRAINED, RepairOptions
from emocli.prediction.networks import Ensemble, FoldNetworks
from emocli.prediction.packing.assets import AssetOptions, Assets, assets_of, copy
from emocli.prediction.packing.card import card, licence_slug, terms_of
from emocli.prediction.packing.folder import (
    ASSETS,
    MARK,
    PACK,
    FoldRepair,
    Pack,
    PackedFile,
    is_packed,
    read_pack,
)
from emocli.prediction.recompute import (
    known_settings,
    own_settings,
    recipe_of,
    require_places,
    upstream_of,
)
from emocli.robust.packed_repair import BANK, CHECK, write_check, write_repair
from emocli.version import version

KEPT = (CONFIG, MODEL, calibration.FILE, CHECK, BANK, SPEAKERS)
"""What a packed run has of each seed and fold."""

ASKED = RepairOptions(check=True, proxy=PROXY)
"""The repair for which a check is packed that is fitted, but was not asked in training."""

BLOCK = 2**24


@dataclass(frozen=True, kw_only=True)
class PackOptions:
    """Options of the packing of a run.

    Attributes
    ----------
    repair : RepairOptions
        What is done about modalities that are not trusted; by default what was done in training.
    assets : AssetOptions
        What is packed of encoders and word vectors.
    settings : mapping
        Feature to settings that are other on this machine: where word vectors and encoders are.
    """

    repair: RepairOptions = TRAINED
    assets: AssetOptions = field(default_factory=AssetOptions)
    settings: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True)
class Packing:
    """A run that is ready to be packed.

    Attributes
    ----------
    ensemble : Ensemble
        Its networks, and the repair.
    features : mapping
        Those that emocli computes, and their settings on this machine.
    imported : tuple of str
        Those that it does not.
    assets : Assets
        What they are computed with.
    repair : RepairOptions
        What is done about modalities that are not trusted, besides what was done in training.
    fingerprint : str
        Of the networks, and of how they are packed.
    """

    ensemble: Ensemble
    features: Mapping[str, Tree]
    imported: tuple[str, ...]
    assets: Assets
    repair: RepairOptions
    fingerprint: str

    @classmethod
    def of(cls, run: Path, options: PackOptions) -> Packing:
        """Load a run and find all it needs.

        Raises
        ------
        EmocliError
            In one line, if something is absent or cannot be packed.
        """
        if is_packed(run):
            raise RunError("is packed already", where=run, hint="copy the folder")
        ensemble = Ensemble.open(run, options.repair)
        first = ensemble.folds[0]
        trained = known_settings(first.path, first.config, {})
        known = known_settings(first.path, first.config, options.settings)
        imported, features = [], {}
        for name, tree in known.items():
            try:
                recipe = recipe_of(first.path, name, tree)
            except RunError:
                imported.append(name)
                continue
            if not recipe.by_speaker:
                require_places(name, trained[name], tree)
                features[name] = tree

        def clips() -> Sequence[Clip]:
            return read_corpus(first.path, first.config, None).clips

        assets = assets_of(features, options.assets, clips)
        facts = [ensemble.fingerprint, asdict(options.assets), assets.settings, version(), known]
        facts += [[str(fold.advisory_check is not None) for fold in ensemble.folds]]
        fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return cls(ensemble, features, tuple(imported), assets, options.repair, fingerprint)

    @cached_property
    def terms(self) -> dict[str, str]:
        """The terms of what features are computed with, or were imported in, by name."""
        return terms_of(self.ensemble.config, self.features, self.assets)

    def write(self, out: Path) -> Pack:
        """Write everything but the list, and return that."""
        run = self.ensemble.path
        folds = {}
        for fold in self.ensemble.folds:
            name = fold.path.relative_to(run).as_posix()
            folds[name] = self._write_fold(fold, out / name)
        for asset in self.assets.packed:
            asset.write(out)
        config = self.ensemble.config
        return Pack(
            format=Pack.FORMAT,
            emocli=version(),
            run=run.resolve().name,
            fingerprint=self.fingerprint,
            folds=folds,
            assets=_by_feature(self.assets),
            outside=self.assets.outside,
            vectors=self.assets.vectors,
            imported=self.imported,
            licence=licence_slug(config, self.terms),
            files={},
        )

    def _write_fold(self, fold: FoldNetworks, out: Path) -> FoldRepair:
        make_folder(out)
        repair = self._write_repair(fold, out)
        members = [(member.path, out / _below(member.path, fold.path)) for member in fold.members]
        for source, target in dict([(fold.path, out), *members]).items():
            make_folder(target)
            config = self._packed(rundir.read_config(source), source)
            rundir.write_config(target, config)
        for source, target in members:
            for name in (MODEL, calibration.FILE):
                if (source / name).is_file():
                    copy(source / name, target / name)
            if (source / SPEAKERS).is_file():  # of the population: no speaker's name is packed
                save_speakers(target, read_speakers(source, fold.config.dims).without_speakers)
        return repair

    def _write_repair(self, fold: FoldNetworks, out: Path) -> FoldRepair:
        """Write the check and the proxies of the repair, and those that can be asked for later.

        Raises
        ------
        EmocliError
            If they cannot be made or written.
        """
        remarks: tuple[str, ...] = ()
        if fold.factory is not None:
            own = RunEvaluator.open(fold.path, None, None, None, self.repair)
            write_repair(own.repair_factory, fold.repair, out)
            remarks = tuple(fold.factory.remarks(fold.repair))
        packed = FoldRepair(repair=fold.repair.model_dump(mode="json"), remarks=remarks)
        if fold.advisory_check is None:
            return packed
        try:
            return _with_unasked(fold, packed, out)
        except EmocliError as error:
            what = f"its modality check, which was not asked, cannot be packed: {error.what}"
            hint = "leave it out with --no-check"
            raise RunError(what, where=error.where or fold.path, hint=hint) from None

    def _packed(self, config: RunConfig, run: Path) -> RunConfig:
        """Return what a packed run says of itself: nothing of this machine."""
        changed = {
            "manifest": config.manifest.packed("manifest.csv"),
            "store": config.store.packed("store"),
            "features": {m: self._view(v, config, run) for m, v in config.features.items()},
        }
        return config.model_copy(update=changed)

    def _view(self, view: View, config: RunConfig, run: Path) -> View:
        own = {name: self._bare(name, tree) for name, tree in own_settings(view).items()}
        upstream = upstream_of(run, config, view).items()
        settings = own if len(own) > 1 else next(iter(own.values()))
        above = {name: self._bare(name, tree) for name, tree in upstream}
        return view.model_copy(update={"settings": settings, "upstream": above})

    def _bare(self, name: str, tree: Tree) -> Tree:
        return dict(self.assets.settings.get(name, tree))

    def places(self) -> Iterator[str]:
        """Yield the places of this machine that a packed run must not tell."""
        config = self.ensemble.config
        paths = [self.ensemble.path, Path(config.manifest.absolute), Path(config.store.absolute)]
        paths += [asset.source for asset in self.assets.packed]
        folders = {path.absolute().parent for path in paths} | {Path.home(), Path.cwd()}
        yield from (str(path) for path in folders if len(path.parts) > 2)


def pack(
    run: StrPath, out: StrPath, *, options: PackOptions | None = None, overwrite: bool = False
) -> Pack:
    """Pack a run.

    Parameters
    ----------
    run : str or Path
        A run of one seed or several, or a cross-validation.
    out : str or Path
        The folder to write. Repeated after an interruption, the same call goes on.
    options : PackOptions, optional
        How.
    overwrite : bool
        Replace a run that is packed there already.

    Raises
    ------
    EmocliError
        In one line, if something is absent or cannot be packed, or the folder holds something else.
    """
    packing, out = Packing.of(Path(run), options or PackOptions()), Path(out)
    make_folder(out.parent)
    with used_folder(out), locked(out / ".lock"):
        done = _state(packing, out, overwrite)
        if done is not None:
            return done
        write_text(out / MARK, packing.fingerprint)
        listed = packing.write(out)
        write_text(out / CARD, card(packing.ensemble, listed, packing.terms))
        require_no_place(out, list(packing.places()))
        complete = Pack(**{**vars(listed), "files": dict(_listed(out))})
        write_text(out / PACK, as_json(complete))
        (out / MARK).unlink()
    return complete


def _state(packing: Packing, out: Path, overwrite: bool) -> Pack | None:
    """Return the list of packed files; prepare the folder for the remaining ones.

    Raises
    ------
    RunError
        If the folder holds something else.
    """
    if not is_packed(out):
        rundir.require_empty(out, "a packed run")
        return None
    unfinished = (out / MARK).read_text("utf-8") if (out / MARK).is_file() else ""
    if not overwrite and unfinished == packing.fingerprint:
        return None
    if not overwrite and not unfinished and read_pack(out).fingerprint == packing.fingerprint:
        return read_pack(out)
    if not overwrite:
        hint = "choose another folder, or replace it with --overwrite"
        raise RunError(
            "another run is packed there, or this one in another way", where=out, hint=hint
        )
    _clear(out)
    return None


def _clear(out: Path) -> None:
    """Remove the files of a packing, and no others; the list of files last."""
    write_text(out / MARK, "cleared")
    (out / PACK).unlink(missing_ok=True)
    for folder in [*out.glob("fold-*/seed-*"), *out.glob("seed-*"), *out.glob("fold-*"), out]:
        for name in (*KEPT, CARD):
            (folder / name).unlink(missing_ok=True)
        if folder != out and not any(folder.iterdir()):
            folder.rmdir()
    shutil.rmtree(out / ASSETS, ignore_errors=True)


def require_no_place(folder: Path, places: Sequence[str]) -> None:
    """Make sure that no file tells where something was on this machine.

    Raises
    ------
    RunError
        If one does.
    """
    wanted = [place.encode() for place in places]
    longest = max(map(len, wanted), default=0)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            rest = b""
            while block := file.read(BLOCK):
                for place in wanted:
                    if place in rest + block:
                        what = f"would tell of this machine's '{place.decode()}'"
                        hint = "save what it is copied from without that path"
                        raise RunError(what, where=path, hint=hint)
                rest = block[-longest:]


def _listed(out: Path) -> Iterator[tuple[str, PackedFile]]:
    for path in sorted(filter(Path.is_file, out.rglob("*"))):
        name = path.relative_to(out)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and name.as_posix() != CARD:
            size = path.stat().st_size
            yield name.as_posix(), PackedFile(bytes=size, sha256=digest(path))


def _with_unasked(fold: FoldNetworks, packed: FoldRepair, out: Path) -> FoldRepair:
    """Write a check that is not asked; and proxies, unless the repair has some of its own."""
    own = RunEvaluator.open(fold.path, None, None, None, ASKED)
    if fold.factory is not None:
        write_check(own.repair_factory, out)
        return packed
    write_repair(own.repair_factory, own.repair, out)
    checked = own.repair.model_copy(update={"fill": "discard"})
    remarks = tuple(own.repair_factory.remarks(checked))
    return replace(packed, remarks=remarks, with_check=own.repair.model_dump(mode="json"))


def _below(path: Path, folder: Path) -> Path:
    return path.relative_to(folder)


def _by_feature(assets: Assets) -> dict[str, dict[str, str]]:
    placed: dict[str, dict[str, str]] = {}
    for asset in assets.packed:
        placed.setdefault(asset.feature, {})[asset.setting] = asset.place
    return placed
