"""Options of commands that read a trained run: the run, the corpus and the clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from emocli.data.clip import Split
from emocli.limits import MOST_SEED
from emocli.options import Argument, Option
from emocli.report.canvas import StyleName


@dataclass(frozen=True, kw_only=True)
class OtherCorpusOptions:
    """Another corpus than that of the training, and whether figures are drawn."""

    unit: ClassVar[str] = "conditions"
    """Unit of the progress."""

    manifest: Annotated[Path | None, Option("Another manifest than that of the training.")] = None
    store: Annotated[
        Path | None, Option("Another place of the store than that of the training.")
    ] = None
    seed: Annotated[int, Option("Seed of the corruptions.", least=0, most=MOST_SEED)] = 0
    figures: Annotated[bool, Option("Draw figures.")] = True
    style: Annotated[
        StyleName,
        Option("Look of figures; paper: as wide as a column or page, no title, also as PDF."),
    ] = "screen"


@dataclass(frozen=True)
class RunOptions(OtherCorpusOptions):
    """The run."""

    run: Annotated[Path, Argument("Folder of a trained run, or of a cross-validation.")]


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """The clips."""

    split: Annotated[Split, Option("Split of the clips.")] = "test"
