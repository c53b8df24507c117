from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import measuring
from harness.measuring import Work, measure_all
from harness.metrics.base import Item, MeanMetric, Metric
from harness.types import Completion, GoldRecord, Measurement
from tests.harness import builds


def item(n: int, text: str = "", **changes: Any) -> Item:
    gold = {"id": f"g{n}", "task": "t", "input": "?", "references": ("r",), **changes}
    said = {key: gold.pop(key) for key in ("finish", "choice_logprobs") if key in gold}
    completion = {"gold_id": f"g{n}", "text": text, "finish": "stop", "prompt_tokens": 1, **said}
    return Item(
        gold=GoldRecord.model_validate(gold), completion=Completion.model_validate(completion)
    )


def work(metric: Metric, wanted: Sequence[int]) -> Work:
    return Work(metric=metric, build=builds.length, wanted=wanted)


def collected(items: Sequence[Item], works: Sequence[Work]) -> list[list[tuple[int, Measurement]]]:
    """Return what each work got, in the order it came."""
    found: list[list[tuple[int, Measurement]]] = [[] for _ in works]
    for batch in measure_all(items, works, n_workers=1):
        for position, one in zip(batch.wanted, batch.measured, strict=True):
            assert one is not None
            found[batch.work].append((position, one))
    return found


class Watched:
    """A metric that remembers what it measured."""

    def __init__(self, *, pure: bool = True) -> None:
        self.seen: list[str] = []
        self.metric = MeanMetric(name="w", signature="w@1", score=self._score, pure=pure)

    def _score(self, gold: GoldRecord, completion: Completion) -> float:
        self.seen.append(gold.id)
        return float(len(completion.text))


@given(
    texts=st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=12),
    picks=st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=3),
    chunk=st.integers(1, 5),
)
def test_every_metric_gets_its_items_in_order(
    texts: list[str], picks: list[set[int]], chunk: int
) -> None:
    items = [item(n, text) for n, text in enumerate(texts)]
    works = [work(builds.length(), sorted(p for p in pick if p < len(items))) for pick in picks]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "CHUNK", chunk)
        found = collected(items, works)

    expected = [[(p, float(len(texts[p]))) for p in each.wanted] for each in works]
    assert [[(p, one.stats[0]) for p, one in each] for each in found] == expected


def test_equal_items_are_measured_once_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CHUNK", 2)
    watched = Watched()
    items = [item(0, "a"), item(1, "b"), item(2, "a"), item(3, "a"), item(4, "b")]

    (found,) = collected(items, [work(watched.metric, [0, 2, 3, 4])])

    assert watched.seen == ["g0", "g4"]
    assert [position for position, _ in found] == [0, 2, 3, 4]
    assert found[0][1] == found[1][1] == found[2][1]


DIFFERENCES: list[dict[str, Any]] = [
    {"references": ("other",)},
    {"input": "!"},
    {"input": {"a": "?"}},
    {"task": "u"},
    {"choices": ("x", "y")},
    {"answer": 1},
    {"slices": {"topic": "dose"}},
    {"finish": "length"},
    {"choice_logprobs": (-1.0, -2.0)},
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=str)
def test_items_that_differ_in_anything_are_both_measured(difference: dict[str, Any]) -> None:
    watched = Watched()

    collected([item(0, "a"), item(1, "a", **difference)], [work(watched.metric, [0, 1])])

    assert watched.seen == ["g0", "g1"]


def test_a_metric_that_is_not_pure_measures_every_item_and_here() -> None:
    watched = Watched(pure=False)
    items = [item(n, "a") for n in range(3)]

    (found,) = collected(items, [work(watched.metric, [0, 1, 2])])

    assert watched.seen == ["g0", "g1", "g2"]
    assert len(found) == 3


def test_little_work_starts_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    monkeypatch.setattr(measuring, "CHUNK", 2)
    monkeypatch.setattr(measuring, "measure_in_processes", lambda *args: started.append(1) or ())
    items = [item(n, "a" * n) for n in range(20)]

    batches = list(measure_all(items, [work(builds.length(), range(20))]))

    assert sum(len(batch.wanted) for batch in batches) == 20
    assert started == []


def test_much_work_starts_processes_and_goes_on_here_when_they_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[int] = []
    monkeypatch.setattr(measuring, "CHUNK", 2)
    monkeypatch.setattr(measuring, "POOL_PAYS_FROM_SECONDS", -1.0)
    monkeypatch.setattr(measuring, "measure_in_processes", lambda *args: started.append(1) or ())
    monkeypatch.setattr(measuring, "can_start_processes", lambda: True)
    items = [item(n, "a" * n) for n in range(20)]

    batches = list(measure_all(items, [work(builds.length(), range(20))], n_workers=None))

    measured = [one.stats[0] for batch in batches for one in batch.measured if one]
    assert measured == [float(n) for n in range(20)]
    assert started == [1] * (measuring.this_machine().cores > 1)
