"""What an imported feature notes of the files it was in, and what of it other files may share."""

from __future__ import annotations

from emocli.config import Tree, leaves

SOURCE, SHA256 = "source", "sha256"
"""Name and digest of the file, or of all tables; of arrays the digest alone."""

ALIGN_TO, ALIGN_TO_SHA256 = "align_to", "align_to_sha256"
"""Those of the file of words that its rows were aligned to."""


def imported_parts(settings: Tree) -> set[str]:
    """Return the sections of a feature's settings that are of imported ones; "" is all of it.

    >>> imported_parts({"sha256": "a1"}), imported_parts({"au": {"sha256": "a1"}, "mel": {"n": 1}})
    ({''}, {'au'})
    """
    parts = (key.rpartition(".") for key, _ in leaves(settings))
    return {section for section, _, name in parts if name == SHA256}


def without_files(settings: Tree) -> dict[str, object]:
    """Return a feature's settings without what tells files apart: other clips are in other ones.

    Of a file of words it does not matter which it is, but that there is one.

    >>> without_files({"source": "a.csv", "sha256": "a1", "format": "csv", "align_to": "w.csd"})
    {'format': 'csv', 'align_to': True}
    """
    files = {
        f"{part}.{name}".lstrip(".")
        for part in imported_parts(settings)
        for name in (SOURCE, SHA256, ALIGN_TO_SHA256)
    }
    kept = ((key, value) for key, value in leaves(settings) if key not in files)
    return {key: key.rpartition(".")[2] == ALIGN_TO or value for key, value in kept}
