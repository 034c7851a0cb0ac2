"""How long `emocli --help` takes, as a multiple of importing typer.

    python benchmarks/startup.py

The two are timed in turns in one run; the medians are compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 21
COMMANDS = {
    "import typer": ["-c", "import typer"],
    "emocli --help": ["-c", "from emocli.cli.app import run; run(['--help'])"],
    "emocli info": ["-c", "from emocli.cli.app import run; run(['info'])"],
}


def seconds(arguments: list[str]) -> float:
    """Time one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Time all commands in turns."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    base = statistics.median(times["import typer"])
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:16} {median * 1000:6.0f} ms  {median / base:5.2f} x import typer")


if __name__ == "__main__":
    main()
