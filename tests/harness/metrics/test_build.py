from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

from harness.metrics.build import metric_maker, metric_of
from harness.suite import load_suite

HEAD = "name: s\nversion: '1'\nlanguage: en\ndescription: For tests.\ntasks:\n"
TASKS = "  mood: {type: classification, metrics: [macro_f1, rouge_1, 'exact_match(extract=last_line)']}\n"


def test_a_metric_made_elsewhere_is_the_suites_own_without_its_gold(
    suite_folder: Callable[..., Path],
) -> None:
    gold = [
        {"id": f"g{n}", "task": "mood", "input": "How?", "references": [label]}
        for n, label in enumerate(["glad", "sad", "glad", "cross"])
    ]
    suite = load_suite(suite_folder(HEAD + TASKS, gold))

    for spec in suite.metric_specs():
        sent = pickle.dumps(metric_maker(suite, spec))

        assert pickle.loads(sent)().signature == metric_of(suite, spec).signature
        assert b"How?" not in sent
    assert "cross" in metric_of(suite, suite.metric_specs()[0]).signature
