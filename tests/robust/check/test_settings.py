from __future__ import annotations

import pytest

from emocli.errors import ConfigError
from emocli.robust.check.settings import CheckConfig, configure


def test_the_presets_are_the_readings_of_the_paper() -> None:
    literal, paper, plus = (configure(name, {}) for name in ("literal", "paper", "plus"))
    assert paper == CheckConfig()
    assert (paper.representation, paper.score, paper.rule) == ("flatten", "pearson", "all")
    assert (paper.tau, paper.quantile, paper.all_flagged) == ("quantile", 0.05, "keep_best")
    assert (literal.score, literal.rule) == ("pearson", "any")
    assert (literal.tau, literal.all_flagged) == ("fixed", "zero_all")
    assert (plus.score, plus.rule, plus.tau) == ("llr", "all", "youden")
    assert [c.outliers for c in (literal, paper, plus)] == ["none", "none", "youden"]
    assert [c.fit_on for c in (literal, paper, plus)] == ["as_given", "clean", "clean"]


def test_what_is_set_wins_over_the_preset() -> None:
    assert configure("plus", {"check": {"tau": "fixed", "threshold": 0}}).tau == "fixed"


@pytest.mark.parametrize(
    ("preset", "settings", "message"),
    [
        ("papr", {}, "there is no preset 'papr'; there are: literal, paper, plus"),
        ("paper", {"check": {"score": "spearman"}}, "check.score"),
        ("paper", {"check": {"scor": "llr"}}, "did you mean 'check.score'?"),
        ("paper", {"chek": {}}, "did you mean 'check'?"),
        ("paper", {"check": {"quantile": 5}}, "check.quantile"),
        ("paper", {"check": {"threshold": float("nan")}}, "check.threshold"),
    ],
)
def test_a_mistake_is_named(preset: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(preset, settings)
    assert message in str(caught.value)


@pytest.mark.parametrize("score", ["pearson", "cosine", "weighted"])
def test_a_threshold_that_no_score_reaches_is_refused(score: str) -> None:
    with pytest.raises(ConfigError, match=f"threshold = 1.5: score = {score} is -1 to 1"):
        configure("paper", {"check": {"score": score, "tau": "fixed", "threshold": 1.5}})
    assert configure("plus", {"check": {"score": "llr", "threshold": 1.5}}).threshold == 1.5
    with pytest.raises(ConfigError, match="must be a number from -10000 to 10000"):
        configure("plus", {"check": {"threshold": 1e9}})
