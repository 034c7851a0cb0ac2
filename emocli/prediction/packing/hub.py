"""Packed runs on the Hugging Face hub: fetched by name, and put there.

Its client, huggingface_hub, keeps what it fetches in its cache, resumes, and takes the token from
``HF_TOKEN`` or `hf auth login`; ``HF_ENDPOINT`` names another hub. Of a repository nothing is
fetched but the files that a packed run lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emocli.errors import EmocliError, RunError, reason
from emocli.models.hub import only_cached
from emocli.parsing import MOST_JSON
from emocli.prediction.packing.folder import AGAIN, PACK, is_packed, read_pack, verified

NAME = re.compile(r"([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@([\w./-]{1,200}))?")
"""``user/name`` or ``user/name@revision``."""

CARD = "README.md"


@dataclass(frozen=True)
class HubName:
    """The name of a repository; ``revision`` is a branch, a tag or a commit."""

    name: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str) -> HubName | None:
        """Read ``user/name[@revision]``; None if it is none."""
        match = NAME.fullmatch(text)
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return self.name if self.revision is None else f"{self.name}@{self.revision}"


def located(run: Path) -> Path:
    """Return the folder of a run: itself, or where a repository of that name was fetched to.

    What is there is taken for what it is; a name whose first part is a folder here is that of a
    run here, too.

    Raises
    ------
    EmocliError
        If the hub cannot be reached, or has no packed run of that name.
    """
    named = HubName.of(str(run))
    if named is None or run.exists() or run.parent.exists():
        return run
    return fetched(named)


def fetched(repository: HubName) -> Path:
    """Fetch a packed run, unless it is in the cache; errors as `located`."""
    from huggingface_hub import snapshot_download

    name, revision = repository.name, repository.revision

    def fetch(*names: str, local: bool) -> Path:
        patterns = list(names)
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=patterns, local_files_only=local
            )
        )

    with _one_line(repository), _without_bars():
        local = only_cached(name, PACK, revision, "a run")
        sizes = {} if local else _sizes(repository)
        folder = fetch(PACK, local=local)
        pack = read_pack(folder)
        for file, packed in pack.files.items():
            if sizes and sizes.get(file) != packed.bytes:
                what = f"its file '{file}' is not what was packed"
                raise RunError(what, where=str(repository), hint=AGAIN)
        return fetch(*pack.files, PACK, CARD, local=local)


def _sizes(repository: HubName) -> dict[str, int]:
    """Return the bytes of the files of a repository, which has to be a packed run.

    None of them are known in offline mode, where what is in the cache has to do.
    """
    from huggingface_hub import HfApi, RepoFile
    from huggingface_hub.errors import OfflineModeIsEnabled

    api, sizes = HfApi(), {}
    try:
        for each in api.list_repo_tree(
            repository.name, recursive=True, revision=repository.revision
        ):
            match each:
                case RepoFile():
                    sizes[each.path] = each.size
    except OfflineModeIsEnabled:
        return {}
    if not 0 < sizes.get(PACK, 0) <= MOST_JSON:
        hint = "emocli pack makes one, emocli push puts it there"
        raise RunError("is no packed run of emocli", where=str(repository), hint=hint)
    return sizes


def push(
    folder: Path, name: str, *, private: bool = False, branch: str | None = None
) -> tuple[str, str]:
    """Put a packed run on the hub, and return the address of the repository and of the commit.

    Parameters
    ----------
    folder : Path
        The packed run; it is verified before anything is sent.
    name : str
        ``user/name``; the repository is made if there is none.
    private : bool
        Whether one that is made is private.
    branch : str, optional
        The branch; made if there is none. By default ``main``.

    Raises
    ------
    EmocliError
        If the folder is no packed run, or the hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi

    repository = HubName.of(name)
    if repository is None or repository.revision is not None:
        raise RunError(f"'{name}' is no name of the hub", hint="give USER/NAME")
    if not is_packed(folder):
        hint = "pack a run first: emocli pack RUN -o FOLDER"
        raise RunError("is no packed run", where=folder, hint=hint)
    pack = verified(folder)
    if not (folder / CARD).is_file():
        raise RunError(f"has no card ({CARD})", where=folder, hint=AGAIN)
    api = HfApi()
    with _one_line(repository, "write"), _without_bars():
        address = api.create_repo(name, private=private, exist_ok=True)
        if branch is not None:
            api.create_branch(name, branch=branch, exist_ok=True)
        commit = api.upload_folder(
            repo_id=name,
            folder_path=folder,
            revision=branch,
            allow_patterns=[*pack.files, PACK, CARD],
            commit_message=f"Packed run {pack.run}",
        )
    return str(address), str(commit.commit_url)


@contextmanager
def _one_line(repository: HubName, access: str = "read") -> Iterator[None]:
    """Turn what the client says into one line."""
    from huggingface_hub import errors

    where = str(repository)
    try:
        yield
    except EmocliError:
        raise
    except errors.GatedRepoError:
        hint = "ask for access on its page, and log in: hf auth login, or HF_TOKEN"
        raise RunError("its owner has not let you in", where=where, hint=hint) from None
    except errors.RevisionNotFoundError:
        raise RunError("has no such revision", where=where, hint="see its branches") from None
    except errors.RepositoryNotFoundError:
        what = "there is no such run, here or on the hub, or it is private"
        hint = "look at its name, and log in for what is private: hf auth login, or HF_TOKEN"
        raise RunError(what, where=where, hint=hint) from None
    except errors.LocalEntryNotFoundError:
        what = "there is no such run here, and the hub cannot be reached"
        raise RunError(what, where=where, hint="connect to the network, or give a folder") from None
    except errors.LocalTokenNotFoundError:
        raise RunError("the hub does not know you", where=where, hint=_login(access)) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            what = f"the hub refuses ({status}: {reason(error)[:200]})"
            raise RunError(what, where=where, hint=_login(access)) from None
        raise RunError(f"the hub says: {reason(error)[:200]}", where=where) from None
    except Exception as error:  # of the library's library for HTTP, whichever it is
        what = f"the hub cannot be used ({reason(error)[:200]})"
        raise RunError(what, where=where, hint="connect to the network, and try again") from None


def _login(access: str) -> str:
    return f"log in with a token that may {access}: hf auth login, or HF_TOKEN"


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the client from drawing bars of its own."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()
