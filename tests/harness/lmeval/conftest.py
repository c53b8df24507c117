"""Small lm-eval tasks of every kind, and an engine whose answers depend on what it is asked."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import runner
from harness.engines.base import Answer, EngineSettings, Request
from harness.lmeval.cells import reading_of
from harness.lmeval.engine_lm import Reading
from harness.registry import ENGINES
from harness.runner import Serving
from tests.harness.conftest import CharacterTokenizer

CAPITALS = {
    "France": "Paris", "Japan": "Tokyo", "Peru": "Lima", "Cuba": "Havana", "Italy": "Rome",
    "Kenya": "Nairobi", "Norway": "Oslo", "Egypt": "Cairo", "Spain": "Madrid",
}  # fmt: skip
N_ITEMS = len(CAPITALS)

TASKS = {
    "choose": """\
output_type: multiple_choice
doc_to_text: "The capital of {{country}} is"
doc_to_choice: "{{choices}}"
doc_to_target: answer
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: brier_score, aggregation: brier_score, higher_is_better: false}
""",
    "write": """\
output_type: generate_until
doc_to_text: "The capital of {{country}} is"
doc_to_target: "{{capital}}"
generation_kwargs: {until: ["\\n"], do_sample: false, max_gen_toks: 16}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
  - {metric: bleu, aggregation: bleu, higher_is_better: true}
filter_list:
  - {name: first, filter: [{function: regex, regex_pattern: "([A-Z][a-z]+)"}, {function: take_first}]}
  - {name: whole, filter: [{function: take_first}]}
""",
    "finish": """\
output_type: loglikelihood
doc_to_text: "The capital of {{country}} is"
doc_to_target: " {{capital}}"
metric_list:
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: acc, aggregation: mean, higher_is_better: true}
""",
    "read": """\
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "The capital of {{country}} is {{capital}}."
metric_list:
  - {metric: word_perplexity, aggregation: weighted_perplexity, higher_is_better: false}
  - {metric: byte_perplexity, aggregation: weighted_perplexity, higher_is_better: false}
  - {metric: bits_per_byte, aggregation: bits_per_byte, higher_is_better: false}
""",
    "middle": """\
output_type: loglikelihood
doc_to_text: "The capital of {{country}} is"
doc_to_target: " {{capital}}"
metric_list:
  - {metric: acc, aggregation: median, higher_is_better: true}
""",
}
"""By name; "middle" measures only what is no sum."""


class LmTokenizer(CharacterTokenizer):
    """Characters, with an end token and no begin token."""

    eos_token = "\x03"
    eos_token_id = 3
    model_max_length = 4096

    def decode(self, ids: int | Sequence[int]) -> str:
        return super().decode([ids] if isinstance(ids, int) else ids)


class OracleEngine:
    """Answers by a hash of what it is asked, so that equal questions have equal answers."""

    def __init__(self) -> None:
        self.calls = 0
        self.requests: list[Request] = []
        self.crash_after: int | None = None
        self.shift = 0.5
        """Nats that an adapter takes from every choice."""
        self.runs_on = False
        """Whether it overlooks stop strings."""
        self.closed = 0

    def load(self, settings: EngineSettings) -> OracleEngine:
        del settings
        return self

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        self.calls += 1
        for number, request in enumerate(requests):
            if number == self.crash_after:
                raise RuntimeError("the engine died")
            self.requests.append(request)
            yield self._answer(request)

    def _answer(self, request: Request) -> Answer:
        shift = self.shift if request.adapter else 0.0
        hashes = [
            zlib.crc32(repr((request.context(part), choice)).encode())
            for part, choice in enumerate(request.choice_ids)
        ]
        capital = list(CAPITALS.values())[zlib.crc32(repr(request.prompt_ids).encode()) % N_ITEMS]
        text = f" {capital} is the capital.\nAnd so on"
        if not self.runs_on:
            text = text[
                : min([len(text), *(text.find(s) for s in request.sampling.stop if s in text)])
            ]
        return Answer(
            key=request.key,
            text="" if hashes else text,
            finish="stop",
            prompt_ids=request.prompt_ids,
            completion_tokens=0 if hashes else 3,
            choice_logprobs=tuple(-(h % 900) / 100 - 0.1 - shift for h in hashes) or None,
            choice_greedy=tuple(h % 2 == 0 for h in hashes) or None,
        )

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def _own_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache of data."""
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with the tasks and a group of two of them."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [
        {"country": country, "capital": capital, "choices": [capital, "Sydney"], "answer": 0}
        for country, capital in CAPITALS.items()
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for name, text in TASKS.items():
        head = (
            f"task: {name}\ndataset_path: json\ntest_split: test\n"
            f"dataset_kwargs: {{data_files: {{test: {data}}}}}\n"
            "metadata: {version: 1.0}\n"
        )
        (folder / f"{name}.yaml").write_text(head + text, encoding="utf-8")
    group = "group: both\ntask: [choose, finish]\nmetadata: {version: 2}\n"
    (folder / "both.yaml").write_text(group, encoding="utf-8")
    return folder


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> OracleEngine:
    """An engine called "oracle"."""
    engine = OracleEngine()
    module: Any = SimpleNamespace(load=engine.load)
    monkeypatch.setitem(sys.modules, "oracle_engine", module)
    engines: Any = ENGINES
    monkeypatch.setitem(engines, "oracle", "oracle_engine:load")
    monkeypatch.setattr(runner, "load_tokenizer", lambda model: LmTokenizer())
    return engine


@pytest.fixture
def served(serving: Serving) -> Serving:
    return replace(serving, engine="oracle")


@pytest.fixture
def reading(served: Serving) -> Reading:
    return reading_of(served, LmTokenizer())


@pytest.fixture
def instance() -> Callable[..., Any]:
    """Return a maker of lm-eval's requests."""
    from lm_eval.api.instance import Instance

    def make(kind: Any, *arguments: Any, repeats: int = 1) -> Instance:
        return Instance(kind, {}, arguments, 0, metadata=("task", 0, repeats))

    return make
