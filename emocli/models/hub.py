"""Reachability of the Hugging Face hub, asked once, before a library asks again and again."""

from __future__ import annotations

from pathlib import Path

from emocli.errors import ConfigError, reason

KNOWN = "config.json"
"""What every encoder of the hub has."""


def only_cached(name: str) -> bool:
    """Whether an encoder has to come from the cache, because the hub cannot be reached.

    What the hub itself says of a name is not judged here: whoever loads it does that, and waits
    where the hub is only busy. A folder needs no hub, and in offline mode nobody asks for it.

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
        get_hf_file_metadata(hf_hub_url(name, KNOWN))
    except (HfHubHTTPError, HFValidationError):
        return False
    except Exception as error:  # of the library's library for HTTP, whichever it is
        if isinstance(try_to_load_from_cache(name, KNOWN), str):
            return True
        what = f"cannot be reached ({reason(error)}), and '{name}' is neither a folder nor cached"
        hint = "give a folder that holds an encoder, or connect to the network"
        raise ConfigError(what, where=constants.ENDPOINT, hint=hint) from None
    return False
