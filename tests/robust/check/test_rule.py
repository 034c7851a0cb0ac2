"""The rule that turns scores of pairs into modalities that are trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from emocli.data.batch import Padded
from emocli.robust.check.model import ModalityCheck
from emocli.robust.check.settings import CheckConfig
from tests.robust.check.fitted import LLR, TEST, fit, replace_
from tests.robust.latent import DIMS, padded


class Stated(ModalityCheck):
    """A check whose scores are stated: 1 clears every threshold, 0 none, NaN is a missing pair."""

    table: Mapping[tuple[str, str], Sequence[float]]

    def _scores(self, vectors: object) -> dict[tuple[str, str], np.ndarray]:
        return {pair: np.array(values, float) for pair, values in self.table.items()}


def stated(
    check: ModalityCheck, table: Mapping[tuple[str, str], Sequence[float]], **settings: object
) -> dict[str, list[bool]]:
    names = sorted({m for pair in table for m in pair})
    parts = {
        field: getattr(check, field) for field in ("representation", "reductions", "reference")
    }
    pairs = {pair: replace(next(iter(check.pairs.values())), tau=0.5) for pair in table}
    config = replace_(CheckConfig(all_flagged="zero_all"), **settings)
    copy = Stated(config=config, pairs=pairs, **parts)
    object.__setattr__(copy, "table", table)
    n = len(next(iter(table.values())))
    views = padded({m: TEST[m][:n] for m in names})
    return {m: kept.tolist() for m, kept in copy.effective(views).items()}


# audio-text, audio-visual, text-visual: every combination of agreeing (1) and not (0)
CASES = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]


ALL = {
    "audio": [a or b for a, b, _ in CASES],
    "text": [a or c for a, _, c in CASES],
    "visual": [b or c for _, b, c in CASES],
}


ANY = {
    "audio": [a and b for a, b, _ in CASES],
    "text": [a and c for a, _, c in CASES],
    "visual": [b and c for _, b, c in CASES],
}


@pytest.mark.parametrize(("rule", "expected"), [("all", ALL), ("any", ANY)])
def test_the_truth_table(
    paper: ModalityCheck, rule: str, expected: Mapping[str, list[int]]
) -> None:
    pairs = list(combinations(sorted(DIMS), 2))
    table = {pair: [case[k] for case in CASES] for k, pair in enumerate(pairs)}
    kept = stated(paper, table, rule=rule)
    assert kept == {m: [bool(value) for value in values] for m, values in expected.items()}


def test_more_partners_may_be_asked_for(paper: ModalityCheck) -> None:
    pairs = list(combinations(sorted(DIMS), 2))
    table = {pair: [case[k] for case in CASES] for k, pair in enumerate(pairs)}
    assert stated(paper, table, min_partners=2) == stated(paper, table, rule="any")


def test_the_boundary_belongs_to_the_effective(paper: ModalityCheck) -> None:
    assert stated(paper, {("audio", "text"): [0.5, np.nextafter(0.5, 0)]}) == {
        "audio": [True, False],
        "text": [True, False],
    }


def test_a_missing_modality_is_never_effective_and_has_no_say(paper: ModalityCheck) -> None:
    nan = float("nan")
    table = {
        ("audio", "text"): [0, 1],
        ("audio", "visual"): [nan, nan],
        ("text", "visual"): [nan, nan],
    }
    for rule in ("all", "any"):
        kept = stated(paper, table, rule=rule)
        assert kept["audio"] == kept["text"] == [False, True]


@pytest.mark.parametrize(
    "lost", [np.zeros((0, DIMS["audio"])), np.full((3, DIMS["audio"]), np.nan)]
)
@pytest.mark.parametrize("rule", ["all", "any"])
def test_without_partner_nobody_is_doubted(lost: np.ndarray, rule: str) -> None:
    check = fit(replace_(LLR, rule=rule))
    views = padded({m: [TEST[m][0] if m == "text" else lost[:, : DIMS[m]]] for m in DIMS})
    views["visual"] = Padded.from_rows([np.zeros((0, DIMS["visual"]))])
    assert {m: kept.tolist() for m, kept in check.effective(views).items()} == {
        "audio": [False],
        "text": [True],
        "visual": [False],
    }
    scores = check.scores(views)
    assert all(np.isnan(rho).all() for rho in scores.values())


def test_a_clip_without_anything_keeps_nothing(llr: ModalityCheck) -> None:
    views = padded({m: [np.zeros((0, width), np.float32)] for m, width in DIMS.items()})
    for choice in ("keep_best", "keep_all"):
        check = replace(llr, config=replace_(LLR, all_flagged=choice))
        assert not any(kept.any() for kept in check.effective(views).values())
