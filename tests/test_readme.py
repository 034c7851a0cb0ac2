"""The README: short, its links lead somewhere, its Python runs on a small corpus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emocli import plugins
from tests import toy

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "data_manifests/README.md",
]


def test_it_is_a_front_page() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("kind", ["datasets", "features", "fusion"])
def test_its_tables_name_every(kind: plugins.Kind) -> None:
    rows = [row for row in (ROOT / "README.md").read_text("utf-8").splitlines() if row[:1] == "|"]
    assert set(plugins.names(kind)) <= set(re.findall(r"`(\w+)`", "\n".join(rows)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = toy.build(tmp_path)
    corpus.manifest.write(tmp_path / "ravdess.csv")
    corpus.manifest.write(tmp_path / "new.csv")
    (tmp_path / "new_store").symlink_to(corpus.store)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    lines = [
        line for line in code.splitlines() if "emocli.extract(" not in line
    ]  # there is no film
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    assert len(names["predicted"].ids) == len(corpus.manifest.clips)
