"""Choice of the clip that an analysis shows, independent of any prediction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emocli.errors import RunError

if TYPE_CHECKING:
    from emocli.plugin.analysis.networks import Evaluator

TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")
"""A word or a punctuation mark, for texts whose words have no times."""


def first_whole(evaluator: Evaluator, word: str = "") -> tuple[str, str]:
    """Choose a test clip to show: the first with all modalities and, if any has it, the word.

    Returns
    -------
    tuple of str
        Id of the clip, and the rule it was chosen by, in words for a caption.

    Raises
    ------
    RunError
        If no clip has all modalities.
    """
    samples, sought = evaluator.samples, word.casefold()
    whole = [
        clip
        for clip in samples.clips
        if all(samples.stores[m].length(clip.id) for m in evaluator.modalities)
    ]
    if not whole:
        raise RunError("no test clip has all modalities", where=evaluator.run, hint="name a --clip")
    saying = [clip for clip in whole if sought in map(str.casefold, TOKEN.findall(clip.text))]
    if word and saying:
        return saying[0].id, f"the first test clip with the word '{word}'"
    return whole[0].id, f"the first test clip{f'; none has the word {word!r}' if word else ''}"
