from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.metrics.base import Item, Metric, Setting
from harness.metrics.build import build_metric
from harness.spec import Spec
from harness.types import Completion, GoldRecord
from tests.harness.metrics.support import items, matrix, value

pytestmark = [
    pytest.mark.slow,  # `evaluate` takes seconds to import
    pytest.mark.skipif(find_spec("evaluate") is None, reason="needs the extra `evaluate`"),
]

MODULE = """\
import datasets
import evaluate


class Module(evaluate.Metric):
    def _info(self):
        features = datasets.Features(
            {{"predictions": datasets.{predictions}, "references": datasets.{references}}}
        )
        return evaluate.MetricInfo(
            description="d", citation="c", inputs_description="i", features=features
        )

    def _compute(self, predictions, references{parameters}):
        {body}
"""
TEXT = 'Value("string")'
SAME_SHARE = (
    "same = [p == r for p, r in zip(predictions, references)]\n"
    '        return {"same": sum(same) / len(same)}'
)
MICRO = (  # shared words over all words: a ratio of sums, which is no mean
    "shared = sum(len(set(p.split()) & set(r.split())) for p, r in zip(predictions, references))\n"
    '        return {"micro": shared / sum(len(set(p.split())) for p in predictions)}'
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a writer of local modules; every test has its own cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def write(
        body: str,
        *,
        predictions: str = TEXT,
        references: str = TEXT,
        parameters: str = "",
        name: str = "my_metric",
    ) -> str:
        folder = tmp_path / name
        folder.mkdir()
        code = MODULE.format(
            body=body, predictions=predictions, references=references, parameters=parameters
        )
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
        return f"./{name}"

    return write


@pytest.fixture
def hub(tmp_path: Path) -> Callable[..., Metric]:
    def build(*, trusts_code: bool = True, labels: tuple[str, ...] = (), **params: Any) -> Metric:
        setting = Setting(language="en", folder=tmp_path, trusts_code=trusts_code, labels=labels)
        return build_metric(Spec(name="hub", params=params), setting)

    return build


def test_a_local_module_is_measured_item_by_item(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    metric = hub(path=module(SAME_SHARE))
    pairs = [("a", ("a",)), ("b", ("a",)), ("药", ("药",)), ("", ("a",))]

    assert value(metric, pairs) == 0.5
    assert matrix(metric, pairs).tolist() == [[1, 1], [0, 1], [1, 1], [0, 1]]
    assert metric.signature.startswith("hub@1|module:my_metric#")
    assert "|key:same|per:corpus|" in metric.signature


def test_the_value_equals_what_the_module_says_on_all_rows(
    module: Callable[..., str], hub: Callable[..., Metric], tmp_path: Path
) -> None:
    import evaluate

    path = module(SAME_SHARE)
    pairs = [(str(i % 3), (str(i % 2),)) for i in range(60)]

    found = value(hub(path=path), pairs)

    library = evaluate.load(str(tmp_path / "my_metric"))
    answers, references = [a for a, _ in pairs], [r for _, (r,) in pairs]
    said = library.compute(predictions=answers, references=references) or {}
    assert found == pytest.approx(said["same"], abs=1e-12)


def test_the_best_of_several_references_counts(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    metric = hub(path=module(SAME_SHARE))

    assert value(metric, [("b", ("a", "b")), ("c", ("a", "b"))]) == 0.5


def test_with_lower_better_the_lowest_counts(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    metric = hub(path=module(SAME_SHARE), higher_is_better=False)

    assert value(metric, [("b", ("a", "b"))]) == 0.0
    assert metric.scale.better == "lower"


def test_a_ratio_of_sums_is_refused_before_anything_runs(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    with pytest.raises(ConfigError, match=r"'micro' is 0\.\d+ on the items together, but 0\.\d+"):
        hub(path=module(MICRO))


def test_per_item_reports_the_mean_of_what_is_no_mean(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    metric = hub(path=module(MICRO), per="item")

    assert value(metric, [("a b c d", ("a",)), ("a", ("a",))]) == pytest.approx((0.25 + 1) / 2)
    assert "|per:item|" in metric.signature


def test_what_only_real_answers_tell_apart_is_refused_when_measured(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    body = SAME_SHARE.replace(
        "sum(same) / len(same)", '(sum(same) / len(same)) ** ("x" in predictions)'
    )
    metric = hub(path=module(body), key="same")

    with pytest.raises(ConfigError, match="does not add up over items"):
        metric.measure(items([("x", ("x",)), ("x", ("y",)), ("z", ("y",))]))


def test_a_list_has_one_value_per_row(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    body = 'return {"f1": [float(p == r) for p, r in zip(predictions, references)], "hash": "h"}'
    metric = hub(path=module(body), key="f1")

    assert value(metric, [("a", ("a",)), ("b", ("a",))]) == 0.5


def test_arguments_reach_compute(module: Callable[..., str], hub: Callable[..., Metric]) -> None:
    body = SAME_SHARE.replace("p == r", "(p.lower() == r.lower()) if fold else p == r")
    path = module(body, parameters=", fold=False")

    assert value(hub(path=path), [("A", ("a",))]) == 0.0
    folded = hub(path=path, kwargs={"fold": True})
    assert value(folded, [("A", ("a",))]) == 1.0
    assert 'kwargs:{"fold":true}' in folded.signature


def test_all_references_go_to_a_module_that_takes_them(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    body = SAME_SHARE.replace("p == r", "p in r")
    metric = hub(path=module(body, references=f"Sequence(datasets.{TEXT})"))

    assert value(metric, [("b", ("a", "b")), ("c", ("a",))]) == 0.5


def test_labels_become_numbers_and_what_is_no_label_is_counted_apart(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    integers = 'Value("int32")'
    metric = hub(
        path=module(SAME_SHARE, predictions=integers, references=integers), labels=("no", "yes")
    )

    measured = metric.measure(items([(" yes", ("yes",)), ("maybe", ("no",))]))

    assert [(m.stats[0], m.is_extracted) for m in measured if m] == [(1.0, True), (0.0, False)]


def test_an_answer_without_number_is_not_scored(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    floats = 'Value("float32")'
    body = 'return {"mse": sum((p - r) ** 2 for p, r in zip(predictions, references)) / len(predictions)}'
    metric = hub(path=module(body, predictions=floats, references=floats), higher_is_better=False)

    first, second = metric.measure(items([("3.0", ("1",)), ("about three", ("1",))]))

    assert first is not None
    assert first.stats == (4.0, 1.0)
    assert second is None


def test_the_layout_of_squad_is_filled(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    body = (
        'hits = [p["prediction_text"] in r["answers"]["text"] for p, r in zip(predictions, references)]\n'
        '        return {"exact_match": 100 * sum(hits) / len(hits)}'
    )
    path = module(
        body,
        predictions='Features({"id": datasets.Value("string"), "prediction_text": datasets.Value("string")})',
        references=(
            'Features({"id": datasets.Value("string"), "answers": datasets.Sequence('
            '{"text": datasets.Value("string"), "answer_start": datasets.Value("int32")})})'
        ),
    )

    assert value(hub(path=path), [("b", ("a", "b")), ("c", ("a",))]) == 50.0


def test_the_right_choice_is_the_reference_of_a_multiple_choice_item(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    gold = GoldRecord(id="g", task="t", input="?", choices=("x", "y"), answer=1)
    said = Completion(gold_id="g", text="y", finish="stop", prompt_tokens=1)

    (measured,) = hub(path=module(SAME_SHARE)).measure([Item(gold=gold, completion=said)])

    assert measured is not None
    assert measured.stats == (1.0, 1.0)


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        ('return {"a": 1.0, "b": 2.0}', {}, "gives several values; choose one with `key`: a, b"),
        ('return {"a": 1.0}', {"key": "b"}, "gives no 'b'; it gives: a"),
        ('return {"a": "high"}', {}, "'a' is 'high', not a number"),
        ('return {"a": float("nan")}', {}, "'a' is nan; it cannot be averaged"),
        ("raise ValueError('wants more')", {}, "name the value to report: `key: …`"),
    ],
)
def test_an_unusable_module_is_told_what_is_wrong(
    module: Callable[..., str],
    hub: Callable[..., Metric],
    body: str,
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        hub(path=module(body), **options)


def test_a_module_that_fails_on_an_item_names_it(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    body = 'assert "药" not in predictions[0], "no Chinese"\n        return {"a": 1.0}'
    metric = hub(path=module(body))

    with pytest.raises(ConfigError, match=r"item 'g0': AssertionError: no Chinese"):
        metric.measure(items([("药", ("药",))]))


def test_columns_that_no_item_has_are_refused(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    with pytest.raises(ConfigError, match="its predictions want a list of numbers per item"):
        hub(path=module(SAME_SHARE, predictions='Sequence(datasets.Value("float32"))'))


def test_a_module_by_name_needs_the_network_or_the_cache(hub: Callable[..., Metric]) -> None:
    with pytest.raises(ConfigError, match=r"'no_such_module': neither in the local cache nor"):
        hub(path="no_such_module", key="x")


def test_a_missing_folder_is_named(hub: Callable[..., Metric], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere/nowhere\.py: no such file"):
        hub(path="./nowhere")


def test_code_that_is_not_trusted_is_not_run(
    module: Callable[..., str], hub: Callable[..., Metric]
) -> None:
    with pytest.raises(ConfigError, match="metric 'hub' runs Python code from"):
        hub(path=module(SAME_SHARE), trusts_code=False)
