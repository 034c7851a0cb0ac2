"""A stand-in of the Hugging Face hub: repositories in memory, the parts of its HTTP API in use.

It answers what huggingface_hub asks to make a repository and a branch, to commit regular files and
those of Git LFS, to list a revision, and to download. A repository knows who may write to it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

TOKEN = "hf_of_a_test"
LARGE = (".safetensors", ".h5")


@dataclass
class Repository:
    """Branches to files, and the commit that each branch is at."""

    private: bool
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})

    def commit(self, branch: str) -> str:
        """Return a name of what the branch holds, as Git gives one."""
        digest = hashlib.sha1()
        for name, content in sorted(self.branches[branch].items()):
            digest.update(name.encode() + b"\0" + content)
        return digest.hexdigest()

    def files(self, revision: str) -> dict[str, bytes] | None:
        """Return the files of a branch or commit."""
        for branch, files in self.branches.items():
            if revision in (branch, self.commit(branch)):
                return files
        return None


@dataclass
class Hub:
    """All repositories, what was uploaded for LFS, and the requests that came."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    address: str = ""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    hub: Hub

    def log_message(self, *told: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self._handle(b"")

    def do_HEAD(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def do_PUT(self) -> None:
        self.do_POST()

    def _handle(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        if self.command == "PUT":
            self.hub.objects[parts[-1]] = body
            self._send(200, b"")
        elif path == "/api/validate-yaml":
            self._json(200, {"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif parts[:2] == ["api", "models"]:
            what = parts[4] if len(parts) > 4 else "revision"
            self._api("/".join(parts[2:4]), what, "/".join(parts[5:]) or "main", body)
        elif len(parts) > 4 and parts[2] == "resolve":
            self._download("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._missing("RepoNotFound")

    @property
    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        url = {"url": f"{self.hub.address}/{name}"}
        if not self._known:
            self._json(401, {"error": "Invalid credentials"})
        elif name.startswith("other/"):
            self._json(403, {"error": "You don't have the rights to create this repository"})
        elif name in self.hub.repositories:
            self._json(409, url)
        else:
            self.hub.repositories[name] = Repository(asked.get("visibility") == "private")
            self._json(200, url)

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = [
            {
                **each,
                "actions": {"upload": {"href": f"{self.hub.address}/lfs/{each['oid']}"}},
            }
            for each in asked["objects"]
        ]
        self._json(200, {"transfer": "basic", "objects": objects})

    def _api(self, name: str, what: str, rest: str, body: bytes) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self._known):
            self._missing("RepoNotFound")
        elif what == "branch":
            new = rest in repository.branches
            repository.branches.setdefault(rest, dict(repository.branches["main"]))
            self._json(409 if new else 200, {})
        elif what == "preupload":
            files = json.loads(body)["files"]
            self._json(200, {"files": [_mode(file["path"]) for file in files]})
        elif what == "commit":
            self._commit(repository, name, rest, body)
        elif repository.files(rest.split("/")[0]) is None:
            self._missing("RevisionNotFound")
        elif what == "revision":
            self._json(200, {"id": name, "sha": self._sha(repository, rest), "siblings": []})
        elif what == "tree":
            files = repository.files(rest) or {}
            self._json(200, [_entry(*each) for each in files.items()])

    def _sha(self, repository: Repository, revision: str) -> str:
        known = revision in repository.branches
        return repository.commit(revision) if known else revision

    def _commit(self, repository: Repository, name: str, branch: str, body: bytes) -> None:
        files = repository.branches[branch]
        for line in body.splitlines():
            data = json.loads(line)
            value = data["value"]
            if data["key"] == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = base64.b64decode(value["content"])
            elif data["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        commit = repository.commit(branch)
        url = f"{self.hub.address}/{name}/commit/{commit}"
        self._json(200, {"commitUrl": url, "commitOid": commit, "success": True})

    def _download(self, name: str, revision: str, path: str) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self._known):
            self._missing("RepoNotFound")
            return
        files = repository.files(revision)
        if files is None:
            self._missing("RevisionNotFound")
        elif path not in files:
            self._missing("EntryNotFound")
        else:
            headers = {"ETag": f'"{hashlib.sha256(files[path]).hexdigest()}"'}
            headers["X-Repo-Commit"] = self._sha(repository, revision)
            self._send(200, files[path], headers)

    def _missing(self, code: str) -> None:
        status = 401 if code == "RepoNotFound" and not self._known else 404
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": "not there"})

    def _json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _mode(path: str) -> dict[str, object]:
    mode = "lfs" if path.endswith(LARGE) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False}


def _entry(path: str, content: bytes) -> dict[str, object]:
    oid = hashlib.sha1(content).hexdigest()
    return {"type": "file", "path": path, "size": len(content), "oid": oid}


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, cache: object) -> Iterator[Hub]:
    """Serve an empty hub that the client asks instead of the real one; a token is set."""
    from huggingface_hub import constants

    hub = Hub()
    handler = type("Own", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
