"""Every printed value is in the row, the condition and the metric that the paper prints it for.

The values here are typed from the papers, not from the experiments.
"""

from __future__ import annotations

from typing import get_args

import pytest

from emocli import plugins
from emocli.data.manifest import Task
from emocli.experiments.config import CORPUS, read_table
from emocli.metrics.metrics import DEFINITIONS
from emocli.plugin.experiment import Table
from tests.experiments.printed import printed, printed_by_class, row, table


# Section 3.4: "increasing tau yields meaningful performance gains (up to tau = 3)"; section 3.2:
# "similar results were also obtained with the concatenative approach": no figures. Figure 4 has an
# axis without numbers. Of beta, tau, the fused vector and the gradient Mittal et al. print none.
@pytest.mark.parametrize("name", ["rrnn_hops", "rrnn_fig4", "m3er_sweep", "m2f_extractor"])
def test_what_no_paper_prints_is_in_no_bracket(name: str) -> None:
    assert not printed(table(name))
    assert plugins.describe("experiments", name).source


def of_corpora(name: str) -> list[Table]:
    """Return the tables of an experiment, beside each corpus that it knows."""
    fields = plugins.load("experiments", name).Config.model_fields
    key = next((key for key in CORPUS if key in fields), "")
    known = get_args(fields[key].annotation) if key else ()
    return [table(name, **{key: corpus}) for corpus in known] or [table(name)]


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_no_printed_value_is_compared_with_another_corpus(name: str) -> None:
    """Nor by default; what is quoted has columns of its own."""
    for result in (table(name), read_table(name.replace("_", "-"), {}, "toy", "single")):
        ours = {c.name for r in result.rows if not r.cited for c in r.conditions}
        assert not {(r, c) for r, c, _ in printed(result) if c in ours}
        assert not printed_by_class(result)
    for task in get_args(Task):
        assert not printed(read_table("m3er-t2", {}, "toy", task))


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        *(("m3er-t1", of) for of in ("mosei", "iemocap")),
        *(("m3er-t2", of) for of in ("mosei", "iemocap")),
        *(("m2f-t2", of) for of in ("meld", "iemocap")),
        *(("rrnn-t1", "cremad"), ("rrnn-t2", "ravdess"), ("rrnn-t3", "mosei")),
    ],
)
def test_the_printed_values_are_those_of_the_clips_own_corpus(name: str, dataset: str) -> None:
    key = "printed" if name == "m3er-t2" else "corpus"
    result = printed(read_table(name, {}, dataset))
    assert result
    assert result == printed(table(name.replace("-", "_"), **{key: dataset}))


def test_values_of_iemocap_s_classes_are_compared_with_no_other_task() -> None:
    """Its valence, arousal and dominance are intensities."""
    assert not printed(read_table("m3er-t2", {}, "iemocap", "intensity"))
    assert printed(read_table("m3er-t2", {}, "iemocap", "single"))


# Section 6: "we currently perform binary classification per class for human emotions".
@pytest.mark.parametrize("name", ["m3er_t1", "m3er_t2", "m3er_figures"])
def test_of_iemocap_values_are_printed_for_networks_with_a_binary_output_a_class(name: str) -> None:
    experiment = table(name, **{"printed" if name == "m3er_t2" else "corpus": "iemocap"})
    beside = [r for r in experiment.rows if r.printed and r.fusion]
    assert beside
    for each in beside:
        assert each.settings["train"]["target"] == "one_vs_rest"
    softmax = {r.name: r for r in experiment.rows if r.name.endswith(", softmax")}
    wanted = set() if name == "m3er_figures" else {f"{r.name}, softmax" for r in beside}
    assert {*softmax} == wanted
    assert not any(r.printed or "train" in r.settings for r in softmax.values())


@pytest.mark.parametrize("name", ["m3er-t1", "m3er-t2"])
@pytest.mark.parametrize("task", get_args(Task))
def test_one_class_against_the_rest_is_asked_of_any_corpus_of_one_class(
    name: str, task: Task
) -> None:
    rows = {r.name: r for r in read_table(name, {}, "toy", task).rows}
    extra = rows.get("M3ER, one class against the rest")
    assert (extra is not None) == (task == "single")
    assert extra is None or extra.settings == {"train": {"target": "one_vs_rest"}}
    assert not rows["M3ER"].settings


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_what_is_quoted_is_neither_compared_nor_shown_class_by_class(name: str) -> None:
    for result in of_corpora(name):
        quoted = {r.name for r in result.rows if r.cited}
        compared = (*result.comparisons, *result.recoveries, result.alternatives)
        assert not quoted & {name for names in compared for name in names}
        assert not quoted & {analysis.row for analysis in result.analyses}
        for each in result.rows:
            assert set(each.printed_by_class) <= set(result.by_class)
            assert not each.cited or (each.printed and not each.printed_by_class)


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_a_row_with_printed_values_is_named_in_the_docstring_or_by_number(name: str) -> None:
    """The docstring says which line of the paper each row is from."""
    text = " ".join((plugins.load("experiments", name).__doc__ or "").split())
    numbered = name in {"m2f_t2", "m2f_t4", "m2f_t5"}  # the first and the last of a series
    for result in of_corpora(name):
        own = [r.name for r in result.rows if r.printed and not r.cited]
        for row_ in (own[0], own[-1]) if numbered and own else own:
            assert f"'{row_}'" in text, row_
        if any(r.cited for r in result.rows):
            assert "quote" in text or "literature" in text


@pytest.mark.parametrize("name", plugins.names("experiments"))
def test_what_is_printed_is_a_metric_of_the_task_and_a_condition_of_the_row(name: str) -> None:
    for result in of_corpora(name):
        tasks = [result.task] if result.task else list(DEFINITIONS)
        for row_, condition, metric in printed(result):
            assert metric in result.metrics
            assert all(metric in DEFINITIONS[task] for task in tasks)
            assert condition in {c.name for c in row(result, row_).conditions}
