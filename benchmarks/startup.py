"""How long help and `emocli info` take, as multiples of importing typer.

    python benchmarks/startup.py [--rounds 21]

They are run in turns; the medians of their CPU time (user and system) are compared.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from options import make_parser

ARGUMENTS = ("--help", "train --help", "analyze --help", "analyze confusion --help", "info")


def run(arguments: str) -> str:
    """Return the Python that runs a command line."""
    return f"from emocli.cli.app import run; run({arguments.split()!r})"


def seconds(code: str) -> float:
    """Measure one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure all command lines in turns."""
    rounds: int = make_parser(__doc__, rounds=21).parse_args().rounds
    lines = {"import typer": "import typer"} | {f"emocli {a}": run(a) for a in ARGUMENTS}
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, code in lines.items():
            times[name].append(seconds(code))
    base = statistics.median(times["import typer"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:32} {median * 1000:6.0f} ms  {median / base:5.2f} x import typer")


if __name__ == "__main__":
    main()
