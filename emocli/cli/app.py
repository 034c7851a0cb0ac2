"""The command line: the commands, and the one place where errors become exit codes.

0 done · 1 a bug (traceback) · 2 bad input (one line) · 3 partly done · 130 interrupted (resumable).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from emocli import __version__
from emocli.cli import (
    align,
    analyze,
    demo,
    evaluate,
    export,
    extract,
    fit_cca,
    fit_encoder,
    fit_text,
    import_features,
    info,
    inspect,
    manifest,
    normalise,
    options,
    reproduce,
    show,
    train,
)
from emocli.errors import EmocliError

BAD_INPUT = 2
INTERRUPTED = 130


def application() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="emocli",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)  # its docstring is the help text
    app.command("manifest")(manifest.command)
    app.command("extract")(extract.command)
    app.command("import")(import_features.command)
    app.command("export")(export.command)
    app.command("align")(align.command)
    app.command("normalise")(normalise.command)
    app.command("fit-cca")(fit_cca.command)
    app.command("fit-encoder")(fit_encoder.command)
    app.command("fit-text")(fit_text.command)
    app.command("train")(train.command)
    app.command("evaluate")(evaluate.command)
    app.add_typer(analyze.group(), name="analyze")
    app.command("reproduce")(reproduce.command)
    app.command("inspect")(inspect.command)
    app.command("info")(info.command)
    app.command("demo")(demo.command)
    return app


def main() -> None:
    """Run the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    with show.warnings_as_lines():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        given = options.with_defaults(arguments)
        code = application()(given, prog_name="emocli", standalone_mode=False) or 0
        return _interrupted() if code == INTERRUPTED else int(code)
    except EmocliError as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        usage = getattr(error, "ctx", None)
        command = usage.command_path if usage else "emocli"
        message = error.format_message().replace("Value error, ", "").rstrip(".")
        return _refuse(f"{message}; see {command} --help")
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        return _refuse(f"{error.filename}: {(error.strerror or 'cannot be used').lower()}")
    except OSError as error:
        from emocli.data.durable import FULL

        if error.errno in FULL:
            return _refuse("the disk is full; make room and repeat the same command to resume")
        raise


def _refuse(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT


def _interrupted() -> int:
    print("interrupted; the same command resumes", file=sys.stderr)
    return INTERRUPTED


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Emotion recognition from text, voice and face: from raw clips to a robustness report."""
    options.help_without_command(context)
