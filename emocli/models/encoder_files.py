"""Files of encoders, in a folder or as ONNX: which hold data, their text, and their digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from emocli.config import Plain
from emocli.data.durable import digest
from emocli.parsing import parse_json

PARAMETERS = ".safetensors"

DATA = frozenset({".json", ".txt", PARAMETERS, ".model", ".jinja", ".tiktoken"})
"""Endings of the files that are data: nothing in them is executed."""

TOKENS = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
"""Files of tokenizers, in which no text is a path, whatever it looks like."""

LONGEST = 4096
"""Characters of a path at most."""

EXTERNAL = b"\x0a\x08location"
"""In an ONNX file: a parameter lies in another file, whose name follows as a text of protobuf."""

EXTERNAL_NAME = re.compile(re.escape(EXTERNAL) + rb"\x12([\x01-\x7f])")


def data_files(folder: Path) -> Iterator[Path]:
    """Yield the files of data in a folder and below, without hidden ones, in order."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in DATA and not hidden and path.is_file():
            yield path


def folder_digest(folder: Path) -> str:
    """Return the digest of an encoder: of its parameters, then of its settings and tokenizer.

    SHA-256 each; empty where a folder has no parameters. Paths in its settings count as names
    alone, so that a copy elsewhere has the same. Of a store or run from before the second part was
    noted it begins with what is noted there.
    """
    parameters = sorted(folder.glob(f"*{PARAMETERS}"))
    if not parameters:
        return ""
    whole = " ".join(f"{file.name} {digest(file)}" for file in parameters)
    return hashlib.sha256(whole.encode()).hexdigest() + settings_digest(folder)


def settings_digest(folder: Path) -> str:
    """Return the second part of `folder_digest`: SHA-256 of all data but parameters."""
    others = [path for path in data_files(folder) if path.suffix != PARAMETERS]
    rest = " ".join(f"{file.relative_to(folder).as_posix()} {_digest(file)}" for file in others)
    return hashlib.sha256(rest.encode()).hexdigest()


def onnx_digest(model: Path) -> str:
    """Return the SHA-256 of an ONNX file, and then that of its parameters in files beside it."""
    others = _external(model)
    rest = " ".join(f"{name} {digest(model.parent / name)}" for name in others)
    return digest(model) + (hashlib.sha256(rest.encode()).hexdigest() if others else "")


def _external(model: Path) -> list[str]:
    """Return the names of the files with parameters of an ONNX file, in order."""
    if not model.stat().st_size:
        return []
    with model.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        ends = [(mark.end(), mark[1][0]) for mark in EXTERNAL_NAME.finditer(content)]
        names = {content[end : end + length].decode("utf-8", "replace") for end, length in ends}
    return sorted(name for name in names if "\0" not in name and (model.parent / name).is_file())


def _digest(file: Path) -> str:
    if file.suffix != ".json" or file.name in TOKENS:
        return digest(file)
    return hashlib.sha256(without_paths(file).encode("utf-8", "surrogateescape")).hexdigest()


def without_paths(file: Path) -> str:
    """Return the text of a JSON file in which places of this machine are names alone."""
    text = file.read_text("utf-8", "surrogateescape")
    try:
        value = parse_json(text)
    except ValueError:
        return text
    bare = _bare(value)
    return text if bare == value else json.dumps(bare, indent=2, ensure_ascii=False) + "\n"


def _bare(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return list(map(_bare, value))
    if isinstance(value, str) and len(value) < LONGEST and Path(value).is_absolute():
        return Path(value).name
    return value
