"""What must hold after a command line, however damaged its input was."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import MARKER, SECRETS

ALLOWED = (0, 2, 3)
LONGEST = 3000
"""Characters of an error message, beyond what it may repeat of the command line."""
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SHARES = ("accuracy", "uar", "weighted_f1", "macro_f1")

TOLD = ("definitions", "rules", "difference", "gain", "reliability")
"""Keys below which metrics are explained in words, are differences, or of bins without a clip."""


@dataclass(frozen=True)
class Outcome:
    """How one command line ended."""

    line: tuple[str, ...]
    code: int
    signal: int
    out: str
    err: str
    seconds: float
    peak_mb: float
    limit: str = ""
    faults: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.limit:
            return self.limit
        return f"signal {self.signal}" if self.signal else f"exit {self.code}"


def judge(outcome: Outcome, case: Path, before: set[str], attack: bool) -> Iterator[str]:
    """Name everything that is wrong with an outcome.

    Parameters
    ----------
    outcome : Outcome
        What was seen.
    case : Path
        The folder it worked in.
    before : set of str
        The files that were there before.
    attack : bool
        Whether its input can only be refused.
    """
    if outcome.limit:
        yield f"{outcome.limit} ({outcome.seconds:.0f} s, {outcome.peak_mb:.0f} MB)"
    elif outcome.signal:
        yield f"ended by signal {outcome.signal}"
    elif outcome.code not in ALLOWED:
        yield f"exit {outcome.code}: {_last(outcome.err)}"
    if "Traceback (most recent" in outcome.err + outcome.out:
        yield f"traceback: {_last(outcome.err)}"
    hostile = CONTROLS.search((outcome.out + outcome.err).replace("\n", "").replace("\t", ""))
    if hostile:
        yield f"prints the control character {hostile.group()!r}"
    yield from _led_out(case, outcome.line)
    if outcome.code == 2 and not outcome.signal:
        yield from _refused(outcome, case, before)
    if outcome.code in (0, 3) and not outcome.signal and not outcome.limit:
        if not outcome.out.strip():
            yield "is done without a word"
        if outcome.code == 3 and not any(case.rglob("failures.jsonl")):
            yield "is partly done, and lists no failures"
        if attack:
            yield "accepts what can only be refused"
        if "--json" in outcome.line:
            yield from _said(outcome.out)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "(nothing was printed)"


def _led_out(case: Path, line: Sequence[str]) -> Iterator[str]:
    if any(case.rglob(MARKER)):
        yield "executed what the input holds"
    if any(".." in Path(word).parts for word in line):  # the user asked for what is outside
        return
    for ending in SECRETS:
        secret = case.parent / f"secret{ending}"
        if secret.exists() and secret.stat().st_atime > 1e9:
            yield f"read {secret.name}, which is not its own"


def _refused(outcome: Outcome, case: Path, before: set[str]) -> Iterator[str]:
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    if len(errors) != 1 or not outcome.err.splitlines()[-1].startswith("error: "):
        yield f"exit 2 without one line of error at the end: {outcome.err[-200:]!r}"
    elif len(errors[0]) > LONGEST + sum(map(len, outcome.line)):
        yield f"an error of {len(errors[0])} characters"
    elif errors[0].strip() == "error:":
        yield "an error that says nothing"
    new = files(case) - before
    left = [
        name
        for name in new
        if Path(name).name in ("config.json", "check.h5") or name.endswith(".tmp")
    ]
    if left:
        yield f"was refused and left {sorted(left)[0]}"
    elif any(path.is_dir() and not any(path.iterdir()) for path in case.glob("new/**/*")):
        yield "was refused and left empty folders"


def _said(out: str) -> Iterator[str]:
    try:
        tree = json.loads(out, parse_constant=_no_constant)
    except ValueError as error:
        yield f"--json printed no JSON ({error})"
        return
    yield from nonsense(tree)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def nonsense(tree: Any, name: str = "") -> Iterator[str]:
    """Find metrics that are none, outside their range, or of no clips at all."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in TOLD:
                yield from nonsense(value, str(key))
        if tree.get("n") == 0 and any(key in tree for key in SHARES):
            yield "metrics of no clips"
    elif isinstance(tree, list):
        for value in tree[:1000]:
            yield from nonsense(value, name)
    elif name in SHARES and not (isinstance(tree, int | float) and 0 <= tree <= 1):
        yield f"{name} = {tree!r}"
    elif name == "clips" and tree == 0:
        yield "0 clips"


def files(case: Path) -> set[str]:
    """Every file there is, by name, with what shows whether it has been written again."""
    return {path.relative_to(case).as_posix() for path in case.rglob("*") if path.is_file()}


def outputs(case: Path, before: set[str]) -> Iterator[str]:
    """Read again what a command has written, with the toolkit's own readers; name what is wrong."""
    for name in sorted(files(case) - before):
        path = case / name
        try:
            yield from _output(path)
        except Exception as error:  # whatever it is, it was written a moment ago
            yield f"{name}, just written, cannot be read: {type(error).__name__}: {error}"[:300]


def _output(path: Path) -> Iterator[str]:
    name = path.name
    if name.startswith("."):
        return
    if path.suffix == ".json":
        tree = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
        yield from (f"{name}: {fault}" for fault in nonsense(tree))
    elif path.suffix == ".safetensors":
        yield from _parameters(path)
    elif path.suffix == ".h5":
        yield from _store(path)
    elif path.suffix == ".csv" and path.with_suffix(".toml").exists():
        from emocli.data.manifest import Manifest

        if not Manifest.read(path).clips:
            yield f"{name}: a manifest of no clips"
    elif path.suffix == ".npz" and path.parent.name == "new":  # others are no exports
        yield from _npz(path)
    elif path.suffix == ".pkl" and path.stat().st_size < 100:
        yield f"{name}: an empty export"


def _parameters(path: Path) -> Iterator[str]:
    from safetensors.numpy import load_file

    for key, array in load_file(path).items():
        if array.dtype.kind == "f" and not all(map(math.isfinite, array.reshape(-1).tolist())):
            yield f"{path.name}: {key} is not finite"
            return


def _store(path: Path) -> Iterator[str]:
    import h5py

    from emocli.pipeline.inspect import inspect

    with h5py.File(path) as file:
        store = "offsets" in file and "ids" in file
        empty = store and not len(file["ids"])
    if empty:
        yield f"{path.name}: a store of no clips"
    elif store:
        inspect(path, verify=True)


def _npz(path: Path) -> Iterator[str]:
    import numpy as np

    with np.load(path) as arrays:
        missing = {"ids", "offsets", "values"} - set(arrays.files)
        if missing:
            yield f"{path.name}: lacks {sorted(missing)}"
        elif not len(arrays["ids"]):
            yield f"{path.name}: an export of no clips"


def summary(faults: Sequence[str]) -> str:
    """The first fault, shortened: failures of one kind look alike."""
    return re.sub(r"0x[0-9a-f]+|\d+", "N", faults[0])[:120]
