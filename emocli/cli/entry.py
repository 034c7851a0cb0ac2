"""The console script, which Ctrl-C ends quietly also while the commands are being imported."""

from __future__ import annotations

import sys

from emocli.cli import INTERRUPTED, RESUMES


def main() -> None:
    """Run the console script; what takes time to import is imported inside."""
    try:
        from emocli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write(RESUMES)
        sys.exit(INTERRUPTED)
