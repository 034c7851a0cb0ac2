"""Command lines of the benchmarks: a script's docstring, and its numbers with their defaults."""

from __future__ import annotations

import argparse


def make_parser(text: str | None, **numbers: float) -> argparse.ArgumentParser:
    """Return a parser of a script's options, all of them numbers: ``--clips 100``.

    Parameters
    ----------
    text : str
        What ``--help`` says.
    numbers
        Name to default, which also says whether the number is whole.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return parser
