"""The modality check that is fitted on a run's features, where nobody said whether to ask it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emocli.display import number_of
from emocli.errors import StoreError
from emocli.models.rundir import Run
from emocli.robust.check.io import load_check
from emocli.robust.check.model import ModalityCheck

UNASKED = (
    "the modality check {} is fitted on these features and says how unusual each modality is "
    "(anomaly); it was not asked what to trust, as in training: --check asks it, and with --proxy "
    "what it does not trust is regenerated"
)


@dataclass(frozen=True)
class AdvisoryCheck:
    """A modality check whose anomaly scores are reported, without discarding anything.

    Attributes
    ----------
    path : Path
        Its file.
    check : ModalityCheck, optional
        None where the file cannot be read.
    fault : str
        Why it cannot.
    """

    path: Path
    check: ModalityCheck | None
    fault: str = ""

    @classmethod
    def of(cls, path: Path, run: Run) -> AdvisoryCheck | None:
        """Read one; None if there is none that fits the features as a network reads them."""
        if not path.exists():
            return None
        try:
            check = load_check(path)
        except StoreError as error:
            return cls(path, None, str(error))
        known, config = check.provenance, run.config
        views = {modality: view.fingerprint for modality, view in config.features.items()}
        own = None if config.train.refit else run.standardiser
        if known is None or not known.fits(views, own):
            return None
        return cls(path, check.through(run.standardiser))


def check_remarks(checks: Sequence[AdvisoryCheck]) -> Iterator[str]:
    """Say that checks were not asked, and which cannot be read, a line each."""
    yield from [UNASKED.format(each.path) for each in checks if each.check][:1]
    faults = [each.fault for each in checks if each.fault]
    if faults:
        count = number_of(len(faults), "checks cannot be read")
        yield f"{count}, and there are no anomalies by that: {faults[0]}"
