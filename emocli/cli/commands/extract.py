"""`emocli extract`: features of recordings and texts, in a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emocli import plugins
from emocli.cli import options, show
from emocli.display import number_of
from emocli.errors import ConfigError, choice
from emocli.limits import MOST_WORKERS
from emocli.plugin.command import PARTLY_DONE, Command

if TYPE_CHECKING:
    from emocli.config import Plain
    from emocli.extraction.results import Extraction, ExtractionPlan


@options.example("mel.bands=64")
@options.grouped
def command(
    *,
    feature: Annotated[
        list[str], typer.Option("-f", "--feature", help="Feature to extract; repeat for more.")
    ],
    store: options.Store = Path("store"),
    workers: Annotated[
        int, typer.Option(min=1, max=MOST_WORKERS, help="Processes on this machine.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to compute on instead.")
    ] = None,
    settings: options.SettingOptions,
    corpus: options.CorpusOptions,
    overwrite: options.Overwrite = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Extract clips again that have changed in the manifest or whose media files were "
            "replaced, drop those that have left the manifest, and keep the rest.",
        ),
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Extract features of every clip into a store.

    Repeat the command to resume. Repeat it, too, when clips have joined the manifest: what is there
    is kept, but of features of which a clip depends on others; --dry-run says what is to do. Exit
    code 3: some clips failed; they are listed in STORE/failures.jsonl, the rest is complete.
    """
    from emocli.config import parse_sets
    from emocli.extraction.extract import extract, plan

    if overwrite and update:
        raise ConfigError("--overwrite and --update", hint="choose one of them")
    tree, manifest = settings.read_settings("extract"), corpus.read_manifest()
    _require_own(parse_sets(settings.settings), feature)
    if dry_run:
        plans = plan(manifest, feature, store, settings=tree, overwrite=overwrite, update=update)
        if json:
            show.as_json(plans)
        else:
            rows = [(p.feature, p.clips, p.present, p.remaining, str(p.path)) for p in plans]
            show.table(("feature", "clips", "already there", "to do", "store"), rows)
            _tell_of_changes(plans)
        return
    with show.progress("extracting") as progress:
        results = extract(
            manifest,
            feature,
            store,
            settings=tree,
            workers=workers,
            scheduler=scheduler,
            overwrite=overwrite,
            update=update,
            progress=progress,
        )
    if json:
        show.as_json(results)
    else:
        _print(results)
    failed = [result for result in results if result.failed]
    if failed:
        count = sum(result.failed for result in failed)
        message = number_of(count, "extractions failed and are listed")
        first = failed[0]
        show.warn(f"{message} in {first.failures}; the first: {first.first_failure}")
        raise typer.Exit(PARTLY_DONE)


def _require_own(typed: Mapping[str, Plain], features: Sequence[str]) -> None:
    """Refuse settings on the command line that no feature to extract has."""
    known = plugins.names("features")
    for name in (each for each in typed if each not in features):
        what = f"settings of '{name}', which is not extracted"
        hint = f"add -f {name}, or leave them out"
        if name not in known and not isinstance(typed[name], Mapping):
            what = f"'{name}' does not say of which feature it is a setting"
            hint = f"give FEATURE.KEY=VALUE, such as {features[0]}.{name}=VALUE"
        elif name not in known:
            what, hint = f"no feature is called '{name}'", choice(name, known)
        raise ConfigError(what, where="--set", hint=hint)


def _print(results: Sequence[Extraction]) -> None:
    from emocli.extraction.results import mostly_unknown

    show.table(
        ("feature", "computed", "already there", "no medium", "failed", "clips/s", "store"),
        [
            (
                r.feature,
                r.done,
                r.resumed,
                r.absent,
                r.failed,
                r.done / max(r.seconds, 1e-9) if r.done else "-",
                r.path,
            )
            for r in results
        ],
    )
    for result in results:
        for note in _notes(result.notes):
            show.line(f"{result.feature}: {note}")
        if mostly_unknown(result.notes):
            show.warn(f"{result.feature}: most words are unknown: is it made for their language?")
        if result.non_finite:
            values = number_of(result.non_finite, "values are not finite; read as 0")
            show.warn(f"{result.feature}: {values}")
        if result.damaged:
            parts = number_of(result.damaged, "parts were damaged and computed again")
            show.warn(f"{result.feature}: {parts}")
    _tell_of_changes(results)


def _tell_of_changes(features: Sequence[ExtractionPlan | Extraction]) -> None:
    for each in features:
        if each.changed:
            clips = number_of(each.changed, "clips")
            what = f"media files of {clips} were replaced since they were extracted"
            show.warn(f"{each.feature}: {what} (other size or time); --update extracts them again")
        if each.former:
            what = f"clips in the store were computed by {each.former}, not the version installed"
            show.line(f"{each.feature}: {what}; --overwrite extracts them again")


def _notes(notes: Mapping[str, float]) -> Iterator[str]:
    """Put counts of an extraction into words; ``words.unknown`` is a share of ``words``."""
    for name, count in notes.items():
        whole, dot, part = name.partition(".")
        if not dot:
            yield number_of(round(count), _words(name))
        elif notes.get(whole):
            share = count / notes[whole]
            yield number_of(round(count), f"{_words(whole)} ({share:.1%}) {_words(part)}")


def _words(name: str) -> str:
    return name.replace("_", " ")


COMMAND = Command("extract", 20, command, sections=lambda: plugins.names("features"))
