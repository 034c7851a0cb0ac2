"""`make fuzz`: tries damaged files, odd command lines and absurd settings, and reports what breaks.

Environment: SEED (0), BUDGET (cases, ``500``, or seconds, ``300s``), JOBS (2), START (the first
case), KIND (only these kinds of the first table: ``csv,setting``), DIR (where); CASE (these cases
alone, ``7`` or ``7,12``, each told in full; the files of the last are kept); PLAIN (1: every line
as it is, on whole files).
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.runner import Result

ENDLESS = 10**6
QUIET = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Run and report; 1 if anything failed."""
    folder = _folder(os.environ.get("DIR", ""))
    from tests.fuzz import runner  # after the environment is set: it loads the libraries

    runner.load()
    seed = int(os.environ.get("SEED") or 0)
    if os.environ.get("CASE"):
        return _alone(seed, [int(part) for part in os.environ["CASE"].split(",")], folder)
    if os.environ.get("PLAIN"):
        return _plain(folder)
    return _sweep(seed, folder)


def _folder(name: str) -> Path:
    """Make the folder of the sweep, and keep caches and threads of libraries from anything else."""
    folder = Path(name or tempfile.mkdtemp(prefix="emocli-fuzz-")).absolute()
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    caches = {"HOME": home, "MPLCONFIGDIR": home, "NUMBA_CACHE_DIR": home / "numba"}
    os.environ.update({key: str(place) for key, place in caches.items()}, COLUMNS="200")
    os.environ.update(dict.fromkeys(QUIET, "1"))
    return folder


def _sweep(seed: int, folder: Path) -> int:
    from tests.fuzz import runner

    budget = os.environ.get("BUDGET") or "500"
    seconds = float(budget[:-1]) if budget.endswith("s") else 0.0
    start = int(os.environ.get("START") or 0)
    jobs = os.environ.get("JOBS") or "2"
    results = []
    for result in runner.sweep(
        seed,
        range(start, start + (ENDLESS if seconds else int(budget))),
        folder / "sweep",
        jobs=int(jobs) if jobs.isdigit() else os.cpu_count() or 1,
        seconds=seconds or ENDLESS,
        kinds=frozenset(filter(None, os.environ.get("KIND", "").split(","))),
    ):
        results.append(result)
        if result.faults:
            print(f"{repeat(result)}: {result.faults[0]}", flush=True)
    return report(results)


def repeat(result: Result) -> str:
    """Return the line that repeats a case."""
    return f"make fuzz SEED={result.case.seed} CASE={result.case.index}"


def _alone(seed: int, indices: Sequence[int], folder: Path) -> int:
    from tests.fuzz import runner

    place = runner.specimens(folder / "case")
    wrong = 0
    for index in indices:
        result = runner.run_case(seed, index, place, place.parent / "room")
        ended = result.outcome
        print(f"case:    {index}")
        print(f"damaged: {result.case.target or '(no file)'} ({result.case.damage})")
        print(f"line:    emocli {shlex.join(result.case.line)}")
        print(f"in:      {place.parent / 'room' / 'case'}")
        print(f"ended:   {ended.verdict}, {ended.seconds:.1f} s, {ended.peak_mb:.0f} MB")
        print(f"stdout:\n{ended.out[-3000:]}")
        print(f"stderr:\n{ended.err[-3000:]}")
        for fault in result.faults:
            print(f"FAULT: {fault}")
        wrong += bool(result.faults)
    print(f"{len(indices)} cases, {wrong} failures")
    return int(bool(wrong))


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


def report(results: Sequence[Result]) -> int:
    """Print counts and failures; 1 if there are failures."""
    from tests.fuzz.oracle import summary

    _count("kind", results, lambda result: result.case.kind)
    _count("command", results, lambda result: _command(result.case.line))
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.faults:
            groups[_command(result.case.line), summary(result.faults)].append(result)
    failures = sum(map(len, groups.values()))
    print(f"\n{len(results)} cases, {failures} failures of {len(groups)} kinds")
    for (command, what), members in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(members):4} x {command}: {what}")
        for member in members[:2]:
            print(f"       {repeat(member)}   # {member.case.target} {member.case.damage}")
    return int(bool(failures) or not results)


def _count(title: str, results: Sequence[Result], key: Callable[[Result], str]) -> None:
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        table[key(result)][result.outcome.verdict] += 1
    print(f"\n{title:<22} cases  outcomes")
    for name in sorted(table):
        counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(table[name].items()))
        print(f"{name:<22} {table[name].total():5}  {counts}")


def _command(line: Sequence[str]) -> str:
    words = [word for word in line[:2] if word.replace("-", "").isalpha()]
    return " ".join(words[: 2 if words[:1] == ["analyze"] else 1]) or "(none)"


if __name__ == "__main__":
    sys.exit(main())
