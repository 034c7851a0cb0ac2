"""Reachability of the Hugging Face hub, asked once, before a library asks again and again."""

from __future__ import annotations

from pathlib import Path

from emocli.errors import ConfigError, reason

KNOWN = "config.json"
"""What every encoder of the hub has."""


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


def require_encoder(name: str) -> None:
    """Raise `ConfigError` for the path of a folder that is not there, or holds no encoder."""
    folder, hint = Path(name), "give a folder that holds an encoder, or one of the hub by name"
    if folder.is_dir() and not (folder / KNOWN).is_file():
        raise ConfigError(f"has no {KNOWN}, so it is not an encoder", where=folder, hint=hint)
    # No name of the hub begins so.
    if not folder.exists() and (folder.is_absolute() or name.startswith((".", "~"))):
        raise ConfigError("there is no such folder", where=folder, hint=hint)
