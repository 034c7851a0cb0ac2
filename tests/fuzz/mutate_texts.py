"""Damage to texts, tables, JSON and TOML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

LITERALS = (
    "NaN", "nan", "inf", "-Infinity", "1e999", "-1", "0", "9" * 400, "1e308", "true", "null",
    '""', "[]", "{}", "[[]]", '"\\u0000"', "2020-01-01", "0x10", "١٢", "1_000", "-0.0",
    "[" * 3000, '{"a":' * 3000, "'" * 3,
)  # fmt: skip


CELLS = (
    "", " ", "nan", "inf", "-inf", "1e999", "-1", "99999999999999999999", "true", "../../secret.h5",
    "/etc/passwd", "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "\x1b[31mred\x1b[0m", "\x9b2J",
    "\u202eabc",
    "a" * 70000, "\x00", "💥" * 50, "é", "é", '"', "'", ",", "\n", "\r", "train", "NA", "None",
    "1,5", "01", "0x1", "-", ".", "..", "con", "a/b", "a\\b",
)  # fmt: skip


def text_file(path: Path, rng: Random) -> str:
    """What happens to text between two programs."""
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True) or [""]
    at = rng.randrange(len(lines))
    ways: Mapping[str, Callable[[], bytes]] = {
        "utf-16": lambda: text.encode("utf-16"),
        "utf-16 without mark": lambda: text.encode("utf-16-le"),
        "utf-32": lambda: text.encode("utf-32"),
        "byte-order mark": lambda: text.encode("utf-8-sig"),
        "latin-1": lambda: text.replace("a", "é").encode("latin-1"),
        "cp1251": lambda: text.replace("a", "д").encode("cp1251"),
        "shift-jis": lambda: text.replace("a", "あ").encode("shift-jis"),
        "broken utf-8": lambda: text.encode().replace(b"a", b"\xc3\x28", 1),
        "CRLF": lambda: text.replace("\n", "\r\n").encode(),
        "CR": lambda: text.replace("\n", "\r").encode(),
        "line twice": lambda: "".join([*lines[:at], lines[at] * 2, *lines[at + 1 :]]).encode(),
        "line lost": lambda: "".join([*lines[:at], *lines[at + 1 :]]).encode(),
        "lines swapped": lambda: "".join([*lines[at:], *lines[:at]]).encode(),
        "control": lambda: _inserted(
            text, rng.choice(("\x1b[2J", "\x00", "\x9b", "\x07", "\u2028")), rng
        ),
        "long line": lambda: _inserted(text, "x" * 10**6, rng),
        "hostile cell": lambda: _inserted(text, rng.choice(CELLS), rng),
        "number grown": lambda: _grown(text, rng),
    }
    name = rng.choice(list(ways))
    path.write_bytes(ways[name]())
    return f"text {name}"


def _inserted(text: str, part: str, rng: Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return (text[:at] + part + text[at:]).encode("utf-8", "surrogatepass")


def _grown(text: str, rng: Random) -> bytes:
    places = [k for k, letter in enumerate(text) if letter.isdigit()]
    at = rng.choice(places)
    return (text[:at] + rng.choice(("nan", "9" * 30, "-1", "1e999", "x")) + text[at + 1 :]).encode()


def csv_file(path: Path, rng: Random) -> str:
    """Cells, columns and rows of a table without quotes."""
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    row, column = rng.randrange(len(rows)), rng.randrange(len(rows[0]))
    way = rng.choice(
        ("cell", "cell", "cell", "header", "column lost", "column twice", "row short", "delimiter")
    )
    if way == "cell":
        rows[row][column] = _quoted(rng.choice(CELLS))
    elif way == "header":
        rows[0][column] = _quoted(
            rng.choice(("", "id", "label", "label.x", "ID", "media.", "fold", *CELLS))
        )
    elif way == "column lost":
        rows = [r[:column] + r[column + 1 :] for r in rows]
    elif way == "column twice":
        rows = [[*r, r[column]] for r in rows]
    elif way == "row short":
        rows[row] = rows[row][:column]
    mark = rng.choice((";", "\t", "|")) if way == "delimiter" else ","
    path.write_text("\n".join(mark.join(r) for r in rows) + "\n", "utf-8", newline="")
    return f"csv {way}"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n\r') else cell


def json_file(path: Path, rng: Random) -> str:
    """A value of JSON becomes another, or goes, or comes twice."""
    text = path.read_text("utf-8")
    path.write_text(changed_json(text, rng), "utf-8")
    return "json value"


def changed_json(text: str, rng: Random) -> str:
    """Change one place of a JSON document."""
    tree = json.loads(text)
    parent, key = place_in(tree, rng)
    mark = "@@here@@"
    way = rng.choice(("literal", "literal", "kind", "lost", "twice", "extra"))
    if way == "lost":
        del parent[key]
        return json.dumps(tree)
    old = parent[key]
    if way == "kind":
        parent[key] = rng.choice(({"a": old}, [old, old], str(old), [], {}, True, -1, 10**12, 0.5))
        return json.dumps(tree)
    if way == "extra" and isinstance(old, dict):
        old[rng.choice(CELLS)] = rng.choice(CELLS)
        return json.dumps(tree)
    parent[key] = mark
    literal = rng.choice(LITERALS)
    if way == "twice" and isinstance(parent, dict):
        literal = f"{json.dumps(old)}, {json.dumps(key)}: {literal}"
    return json.dumps(tree).replace(f'"{mark}"', literal, 1)


def place_in(tree: Any, rng: Random) -> tuple[Any, Any]:
    """A container inside a document, and a key of it."""
    places = []
    stack = [tree]
    while stack and len(places) < 5000:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in list(keys)[:200]]
        stack += [node[k] for k in list(keys)[:200] if isinstance(node[k], dict | list)]
    return rng.choice(places)


def toml_file(path: Path, rng: Random) -> str:
    lines = path.read_text("utf-8").splitlines()
    places = [k for k, line in enumerate(lines) if "=" in line]
    at = rng.choice(places)
    key, old = lines[at].split("=", 1)
    way = rng.choice(("literal", "literal", "literal", "key", "twice", "section", "dotted", "lost"))
    lines[at] = {
        "literal": f"{key}= {rng.choice(LITERALS)}",
        "key": f"{rng.choice(('x', 'seed', json.dumps(rng.choice(CELLS))))} ={old}",
        "twice": lines[at] + "\n" + lines[at],
        "section": f"[{rng.choice(('x', 'train', 'network', 'a.b.c', '[x]'))}]",
        "dotted": f"{key.strip()}.{'a.' * rng.choice((1, 2000))}b ={old}",
        "lost": "",
    }[way]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return f"toml {way}"
