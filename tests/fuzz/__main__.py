"""`make fuzz`: tries damaged files, odd command lines and absurd settings, and reports what breaks.

Environment: SEED (0), BUDGET (cases, ``500``, or seconds, ``300s``), JOBS (2), START (the first
case), CASE (one case alone, whose files are kept), PLAIN (1: every line as it is, on whole files),
DIR (where).
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

ENDLESS = 10**6


def main() -> int:
    """Run and report; 1 if anything failed."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    asked = {
        name: os.environ.get(name, "")
        for name in ("SEED", "BUDGET", "JOBS", "START", "CASE", "PLAIN", "DIR")
    }
    seed = int(asked["SEED"] or 0)
    folder = Path(asked["DIR"] or tempfile.mkdtemp(prefix="emocli-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.environ.update(
        HOME=str(home), MPLCONFIGDIR=str(home), NUMBA_CACHE_DIR=str(home / "numba"), COLUMNS="200"
    )
    from tests.fuzz import runner

    runner.load()
    if asked["CASE"]:
        return _one(seed, int(asked["CASE"]), folder)
    if asked["PLAIN"]:
        return _plain(folder)
    budget = asked["BUDGET"] or "500"
    seconds = float(budget[:-1]) if budget.endswith("s") else 0.0
    start = int(asked["START"] or 0)
    indices: Sequence[int] = range(start, start + (ENDLESS if seconds else int(budget)))
    place = folder / "sweep"
    deadline = time.monotonic() + (seconds or 10**7)
    results = []
    for result in runner.sweep(seed, indices, place, int(asked["JOBS"] or 2), deadline):
        results.append(result)
        if result.faults:
            print(f"{repeat(result)}: {result.faults[0]}", flush=True)
    return report(results)


def repeat(result: object) -> str:
    """The line that repeats a case."""
    case = result.case  # type: ignore[attr-defined]
    return f"make fuzz SEED={case.seed} CASE={case.index}"


def _one(seed: int, index: int, folder: Path) -> int:
    from tests.fuzz import runner

    place = runner.specimens(folder / f"case-{seed}-{index}")
    result = runner.run_case(seed, index, place, place.parent / "room")
    print(f"damaged: {result.case.target or '(no file)'} ({result.case.damage})")
    print(f"line:    emocli {shlex.join(result.case.line)}")
    print(f"in:      {place.parent / 'room' / 'case'}")
    ended = result.outcome
    print(f"ended:   {ended.verdict}, {ended.seconds:.1f} s, {ended.peak_mb:.0f} MB")
    print(f"stdout:\n{result.outcome.out[-3000:]!s}")
    print(f"stderr:\n{result.outcome.err[-3000:]!s}")
    for fault in result.faults:
        print(f"FAULT: {fault}")
    return int(bool(result.faults))


def _plain(folder: Path) -> int:
    """Whether the lines are right as long as nothing is damaged: else they would try nothing."""
    from tests.fuzz import base, commands, runner

    place = runner.specimens(folder / "plain")
    lines = {line for target in base.targets(place) for line in target.lines} | {*commands.BASES}
    wrong = 0
    for line in sorted(lines):
        outcome = runner.command_line(line.split(), runner.fresh(place, folder / "plain" / "room"))
        if outcome.limit or outcome.signal or outcome.code not in (0, 3):
            wrong += 1
            print(f"{outcome.verdict}: emocli {line}\n    {outcome.err.strip()[-300:]}", flush=True)
    print(f"{len(lines)} lines, {wrong} of them refused")
    return int(bool(wrong))


def report(results: Iterable[object]) -> int:
    """Print counts and failures; 1 if there are failures."""
    from tests.fuzz.oracle import summary

    found: list = list(results)
    for title, key in (
        ("kind", lambda r: r.case.kind),
        ("command", lambda r: _command(r.case.line)),
    ):
        table: dict = defaultdict(Counter)
        for result in found:
            table[key(result)][result.outcome.verdict] += 1
        print(f"\n{title:<22} cases  outcomes")
        for name in sorted(table):
            counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(table[name].items()))
            print(f"{name:<22} {table[name].total():5}  {counts}")
    failed = [result for result in found if result.faults]
    groups: dict = defaultdict(list)
    for result in failed:
        groups[_command(result.case.line), summary(result.faults)].append(result)
    print(f"\n{len(found)} cases, {len(failed)} failures of {len(groups)} kinds")
    for (command, what), members in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(members):4} x {command}: {what}")
        for member in members[:2]:
            print(f"       {repeat(member)}   # {member.case.target} {member.case.damage}")
    return int(bool(failed))


def _command(line: Sequence[str]) -> str:
    words = [word for word in line[:2] if word.replace("-", "").isalpha()]
    return " ".join(words[: 2 if words[:1] == ["analyze"] else 1]) or "(none)"


if __name__ == "__main__":
    sys.exit(main())
