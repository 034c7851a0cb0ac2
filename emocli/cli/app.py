"""The command line: the commands, and the one place where errors become exit codes.

0 done · 1 a bug (traceback) · 2 bad input (one line) · 3 partly done · 130 interrupted (Ctrl-C or
SIGTERM; resumable) · 141 nobody reads the output any more (as of other programs in a pipe).
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import typer

from emocli.cli import INTERRUPTED, RESUMES, options, show, streams
from emocli.cli.commands import discovered
from emocli.display import brief
from emocli.errors import EmocliError

BUG = 1
BAD_INPUT = 2
CLOSED = 141
"""What a shell says of a program that a closed pipe ended."""

NO_MEMORY = "there is not enough memory; end other programs, or allow more (ulimit -v)"
SIGNS_OF_NO_MEMORY = (
    "failed to map segment", "cannot allocate memory", "not enough memory", "bad_alloc",
    "can't allocate memory", "out of memory", "can't start new thread",
)  # fmt: skip
"""What libraries say, in errors of many types."""

LEAST = 1 << 30
"""Bytes of address space below which the numerical libraries do not load, or never end trying."""

WITHOUT = ("--help", "-h", "--version")
"""What works without them, besides light commands."""

TIGHT = 4 << 30
"""Bytes of address space below which a library that does not load lacks room."""

OF_THE_SYSTEM = frozenset({errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE, errno.EROFS})
"""Errors that are nobody's bug, even where they name no file."""


def application(called: str = "") -> typer.Typer:
    """Put the commands together; only the one that is called, if there is such a one.

    Its parser is made in a tenth of the time that those of all commands take.
    """
    app = typer.Typer(
        name="emocli",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)  # its docstring is the help text
    commands = discovered()
    commands.warn_of_refused(called)
    chosen = commands.named(called)
    for command in [chosen] if chosen else commands.usable:
        command.add_to(app)
    return app


def main() -> None:
    """Run the command line of this process, and end it with its exit code."""
    streams.prepare()
    if _address_space() < TIGHT:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it sets memory aside for each thread
    code = run(sys.argv[1:])
    try:
        streams.out("")
    except BrokenPipeError:
        code = code or _closed()
    except EmocliError as error:
        code = code or _refuse(str(error))
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    with _terminable(), show.warnings_as_lines():
        if _address_space() < LEAST:
            light = {*WITHOUT, *(command.name for command in discovered().usable if command.light)}
            if not light.intersection(arguments):
                return _refuse(NO_MEMORY)
        return _run(arguments)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: Sequence[str]) -> int:
    try:
        command_line = options.with_defaults(arguments)
        ways = {"prog_name": "emocli", "standalone_mode": False, "obj": tuple(arguments)}
        code = application(*arguments[:1])(command_line, **ways) or 0
        return _interrupted() if code == INTERRUPTED else int(code)
    except EmocliError as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        usage = getattr(error, "ctx", None)
        command = usage.command_path if usage else "emocli"
        message = error.format_message().replace("Value error, ", "").rstrip(".")
        hint = _setting(getattr(error, "option_name", ""), arguments)
        return _refuse(f"{message}; {hint or f'see {command} --help'}")
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return _closed()
    except SystemExit as end:
        # The libraries that parse and print end the program themselves where a pipe is closed.
        if end.code == BUG and _is_closed(end.__context__):
            return _closed()
        raise
    except Exception as error:
        failure = _not_a_bug(error)
        if failure is None:
            raise
        return _refuse(failure)


def _setting(option: str, arguments: Sequence[str]) -> str:
    """Say how a setting is given that was taken for an option; empty if it is none."""
    command = discovered().named(arguments[0]) if arguments else None
    if not option.startswith("--") or command is None or not command.sections():
        return ""
    from emocli.pipeline.settings import keys_called

    following = dict(pairwise(arguments))
    name = option.lstrip("-").replace("-", "_")
    keys = keys_called(name, command.sections(), following.get("--fusion"))
    value = next((a.partition("=")[2] for a in arguments if a.startswith(f"{option}=")), None)
    value = value or following.get(option, "...")
    return " or ".join(f"give it as --set {key}={value}" for key in keys[:3])


def _not_a_bug(error: Exception) -> str | None:
    """Return the message for a failure of the input or the machine; None for a bug."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or _lacks_memory(error, text):
        return NO_MEMORY
    if isinstance(error, RecursionError):
        return "something in the input is nested too deeply; make it flatter"
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, UnicodeError):
        return f"a text or a name is in an encoding that cannot be used ({error}); use UTF-8"
    if isinstance(error, ValueError) and "embedded null" in text:
        return "a path holds a NUL character; give another"
    return None


def _lacks_memory(error: Exception, text: str) -> bool:
    """Whether an error of a library is for lack of memory."""
    if not isinstance(error, OSError | ImportError | RuntimeError):
        return False
    unloaded = isinstance(error, ImportError) or "load shared object" in text
    return any(sign in text for sign in SIGNS_OF_NO_MEMORY) or (
        unloaded and _address_space() < TIGHT
    )


def _address_space() -> int:
    """Return how many bytes this process may map."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def _system(error: OSError) -> str | None:
    from emocli.data.durable import FULL

    if error.errno in FULL:
        return "the disk is full; make room and repeat the same command to resume"
    if error.errno is None or (error.filename is None and error.errno not in OF_THE_SYSTEM):
        return None
    reason = (error.strerror or "cannot be used").lower()
    if isinstance(error.filename, str | bytes | os.PathLike):
        return f"{os.fsdecode(error.filename)}: {reason}"
    return reason


def _is_closed(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _closed() -> int:
    streams.silence(sys.stdout)
    return CLOSED


def _refuse(message: str) -> int:
    streams.err(f"error: {brief(' '.join(message.split()))}\n")
    return BAD_INPUT


def _interrupted() -> int:
    streams.err(RESUMES)
    return INTERRUPTED


def _version(wanted: bool) -> None:
    if wanted:
        from emocli import __version__  # asks git

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
