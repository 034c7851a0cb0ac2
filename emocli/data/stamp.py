"""Stamps of media files, their sizes and times, by which a replaced file is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from emocli.data.clip import Clip
from emocli.parsing import Plain, Tree, parse_object


def stamps(clips: Iterable[Clip]) -> dict[str, str]:
    """Return for each clip its media's sizes (bytes) and times (ns) as JSON; files not there: none.

    Of a recording with many clips the file is asked once.
    """
    ask = cache(stamp_of)
    texts = {}
    for clip in clips:
        media = {name: ask(path) for name, path in sorted(clip.media.items())}
        texts[clip.id] = _text({name: stamp for name, stamp in media.items() if stamp})
    return texts


def stamp_of(path: Path) -> list[int] | None:
    """Return the size (bytes) and time of change (ns) of a file; None if it is not there."""
    try:
        file = path.stat()
    except (OSError, ValueError):
        return None
    return [file.st_size, file.st_mtime_ns]


def joined(texts: Iterable[str]) -> str:
    """Join what several features know of a clip's media."""
    media: Tree = {}
    for text in texts:
        media |= _media(text)
    return _text(dict(sorted(media.items())))


def changed(then: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str]:
    """Return the clips of which a file has another size or time; what is unknown does not count."""
    return frozenset(clip_id for clip_id, text in then.items() if _differ(text, now.get(clip_id)))


def _differ(then: str, now: str | None) -> bool:
    if not then or not now or then == now:
        return False
    old, new = _media(then), _media(now)
    return any(old[name] != new[name] for name in old.keys() & new.keys())


def _media(text: str) -> Tree:
    try:
        return parse_object(text) if text else {}
    except ValueError:  # of a damaged store
        return {}


def _text(media: Mapping[str, Plain]) -> str:
    return json.dumps(media) if media else ""
