"""Reachability of the Hugging Face hub, asked once, before a library asks again and again."""

from __future__ import annotations

import re
from pathlib import Path

from emocli.errors import ConfigError, reason

KNOWN = "config.json"
"""What every encoder of the hub has."""

COMMIT = re.compile("[0-9a-f]{40}")


def only_cached(
    name: str, known: str = KNOWN, revision: str | None = None, what: str = "an encoder"
) -> bool:
    """Whether a model has to come from the cache, because the hub cannot be reached.

    What the hub itself says of a name is not judged here: whoever loads it does that, and waits
    where the hub is only busy. A folder needs no hub, and in offline mode nobody asks for it.

    Parameters
    ----------
    name : str
        The model.
    known : str
        A file that it has.
    revision : str, optional
        Branch, tag or commit.
    what : str
        What it is, for the message.

    Raises
    ------
    ConfigError
        If it is not in the cache either.
    """
    from huggingface_hub import (
        constants,
        get_hf_file_metadata,
        hf_hub_url,
        is_offline_mode,
        try_to_load_from_cache,
    )
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if Path(name).exists() or is_offline_mode():
        return False
    try:
        get_hf_file_metadata(hf_hub_url(name, known, revision=revision))
    except (HfHubHTTPError, HFValidationError):
        return False
    except Exception as error:  # of the library's library for HTTP, whichever it is
        if isinstance(try_to_load_from_cache(name, known, revision=revision), str):
            return True
        message = (
            f"cannot be reached ({reason(error)}), and '{name}' is neither a folder nor cached"
        )
        hint = f"give a folder that holds {what}, or connect to the network"
        raise ConfigError(message, where=constants.ENDPOINT, hint=hint) from None
    return False


def commit_of(name: str, revision: str | None = None) -> str:
    """Return the commit of an encoder by name: what the hub says, or the cache where none answers.

    Empty for a folder, and where neither knows it: whoever loads it says why.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, is_offline_mode

    if Path(name).exists():
        return ""
    try:
        if not is_offline_mode():
            url = hf_hub_url(name, KNOWN, revision=revision)
            return get_hf_file_metadata(url).commit_hash or ""
    except Exception:  # as in `only_cached`
        pass
    return cached_commit(name, revision)


def cached_commit(name: str, revision: str | None = None) -> str:
    """Return which commit of an encoder the cache has; empty if it has none."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(name, KNOWN, revision=revision)
    except HFValidationError:
        return ""
    return Path(cached).parent.name if isinstance(cached, str) else ""


def noted_revision(name: str, revision: str | None, noted: str) -> str | None:
    """Return the revision to load: the commit that was noted if the hub has another one now.

    Otherwise it is ``revision``: the library converts parameters of other formats only of that.
    """
    local = Path(name).exists() or not COMMIT.fullmatch(noted)
    return revision if local or commit_of(name, revision) == noted else noted


def require_encoder(name: str) -> None:
    """Raise `ConfigError` for the path of a folder that is not there, or holds no encoder."""
    folder, hint = Path(name), "give a folder that holds an encoder, or one of the hub by name"
    if folder.is_dir() and not (folder / KNOWN).is_file():
        raise ConfigError(f"has no {KNOWN}, so it is not an encoder", where=folder, hint=hint)
    # No name of the hub begins so.
    if not folder.exists() and (folder.is_absolute() or name.startswith((".", "~"))):
        raise ConfigError("there is no such folder", where=folder, hint=hint)
