"""Make a small finished study: two suites, a baseline and two configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.advice import advise
from harness.compare import Comparison, compare, correct_for_many
from harness.pareto import Cost, TradeOff, trade_offs
from harness.result import CellResult, StudyResult, SuiteResult, VariantResult
from harness.scoring import Scores, score_run
from harness.store import RunFolder, keep_gold, run_folder
from harness.study_config import Role
from harness.suite import Suite, load_suite

ROLES: Mapping[str, Role] = {"clinic": "domain", "general": "retention"}
PRIMARY = {("clinic", "token_f1"): 0.0, ("general", "accuracy"): 0.1}
EVIL = "<script>alert('boo')</script>"
N_ITEMS = 12

CLINIC = """
name: clinic
version: 1.0.0
language: zh
description: Doses.
system: Be brief.
tasks:
  dose:
    prompt: "Question: {{ input }}"
    metrics: [token_f1, exact_match]
"""
GENERAL = """
name: general
version: 1.0.0
language: en
description: Choices.
tasks:
  pick:
    type: multiple_choice
    metrics: [accuracy, acc_norm, brier, nll]
"""
DOSES = [
    {
        "id": f"dose-{i:02}",
        "task": "dose",
        "input": f"第{i}号药的剂量？",
        "references": [f"每日{i}毫克"],
        "slices": {"topic": "dose"},
    }
    for i in range(N_ITEMS)
]
PICKS = [
    {
        "id": f"pick-{i:02}",
        "task": "pick",
        "input": f"Which one is number {i}?",
        "choices": ["the first", "the second"],
        "answer": i % 2,
    }
    for i in range(N_ITEMS)
]
ANSWERS: Mapping[str, Sequence[str]] = {
    "base": [f"不知道{i}" for i in range(N_ITEMS)],
    "lora": [f"每日{i}毫克" for i in range(N_ITEMS - 1)] + [EVIL],
    "excess": [f"每日{i}毫克" for i in range(N_ITEMS - 2)] + [EVIL, ""],
}
CHOSEN: Mapping[str, Sequence[int]] = {
    "base": [i % 2 for i in range(N_ITEMS)],
    "lora": [i % 2 for i in range(N_ITEMS)],
    "excess": [1 - i % 2 for i in range(N_ITEMS)],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A runs' root with one study in it."""

    root: Path
    result: StudyResult

    @property
    def folder(self) -> Path:
        """The study's own folder."""
        return self.root / "studies" / self.result.name

    def cell(self, configuration: str, suite: str) -> Path:
        """Return a run folder."""
        variant = next(v for v in self.result.variants if v.name == configuration)
        return self.root / next(c.folder for c in variant.cells if c.suite == suite)


def store_study(folder: Path) -> Stored:
    """Store a study that was run: `lora` is better, `excess` has forgotten."""
    suites = [
        _suite(folder / "suites" / "clinic", CLINIC, DOSES),
        _suite(folder / "suites" / "general", GENERAL, PICKS),
    ]
    root = folder / "runs"
    runs = {name: [_run(root, suite, name) for suite in suites] for name in ANSWERS}
    scores = {
        name: [
            score
            for suite, folder in zip(suites, folders, strict=True)
            for score in score_run(folder, suite, name)
        ]
        for name, folders in runs.items()
    }
    comparisons = _compare(scores)
    variants = tuple(_variant(root, name, suites, runs[name]) for name in runs)
    result = StudyResult(
        name="tiny",
        description="A study for tests.",
        model="tiny-model",
        template="chatml",
        engine="replay",
        baseline="base",
        created="2026-01-02T03:04:05+00:00",
        suites=tuple(_suite_result(root, suite) for suite in suites),
        variants=variants,
        comparisons=tuple(comparisons),
        trade_offs=weighed(comparisons, variants),
        advice=tuple(advise(comparisons, ROLES, baseline="base")),
        warnings=("a warning of the study",),
    )
    result.save(root / "studies" / result.name)
    return Stored(root=root, result=result)


def weighed(
    comparisons: Sequence[Comparison], variants: Sequence[VariantResult]
) -> tuple[TradeOff, ...]:
    """Return the trade-offs of comparisons with the baseline."""
    costs = {v.name: Cost(seconds=v.run_seconds, peak_bytes=v.peak_bytes) for v in variants}
    return trade_offs(comparisons, ROLES, costs, baseline="base")


def _suite(folder: Path, config: str, rows: Sequence[Mapping[str, object]]) -> Suite:
    folder.mkdir(parents=True)
    (folder / "suite.yaml").write_text(config, encoding="utf-8")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "gold.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_suite(folder)


def _run(root: Path, suite: Suite, name: str) -> RunFolder:
    identity = {**suite.identity(), "template": "t", "adapter": name}
    folder = run_folder(root, suite.name, name, identity)
    folder.create(identity, {"tunemark": "0.0.0", "packages": {"numpy": "2"}})
    with folder.append_completions() as writer:
        for i, record in enumerate(suite.gold):
            writer.write({"gold_id": record.id, "finish": "stop", "prompt_tokens": 9}
                         | _answer(suite, name, i))  # fmt: skip
    return folder


def _answer(suite: Suite, name: str, i: int) -> dict[str, object]:
    if suite.name == "clinic":
        return {"text": ANSWERS[name][i], "completion_tokens": 5}
    return {"choice_logprobs": [-1.0 if k == CHOSEN[name][i] else -7.5 for k in range(2)]}


def _compare(scores: Mapping[str, Sequence[Scores]]) -> list[Comparison]:
    found = [
        compare(
            before,
            after,
            is_primary=(after.suite, after.metric.name) in PRIMARY,
            margin=PRIMARY.get((after.suite, after.metric.name), 0.0),
            n_draws=1000,
        )
        for name in ("lora", "excess")
        for before, after in zip(scores["base"], scores[name], strict=True)
    ]
    return correct_for_many(found)


def _suite_result(root: Path, suite: Suite) -> SuiteResult:
    gold = keep_gold(root, suite.gold_digest, suite.gold)
    return SuiteResult(
        name=suite.name,
        role=ROLES[suite.name],
        version=suite.config.version,
        language=suite.config.language,
        n_items=len(suite.gold),
        gold_digest=suite.gold_digest,
        gold_file=str(gold.relative_to(root)),
        tasks={},
    )


def _variant(
    root: Path, name: str, suites: Sequence[Suite], folders: Sequence[RunFolder]
) -> VariantResult:
    is_tuned = name != "base"
    return VariantResult(
        name=name,
        train_seconds=61.0 if is_tuned else None,
        tokens_per_second=900.0 if is_tuned else None,
        peak_bytes=2**31,
        heldout_loss={"0": 3.0, "1": 2.0, "2": 1.5} if is_tuned else {},
        settings={"epochs": 2, "learning_rate": 1e-3 if name == "lora" else 1e-2}
        if is_tuned
        else {},
        canary=3.5 if is_tuned else None,
        parity_probes=16 if is_tuned else None,
        cells=tuple(
            CellResult(
                suite=suite.name,
                folder=str(folder.path.relative_to(root)),
                n_planned=N_ITEMS,
                n_done=N_ITEMS,
                ended_by_itself=1.0 if suite.name == "clinic" else None,
                mean_tokens=5.0,
                seconds=2.0,
            )
            for suite, folder in zip(suites, folders, strict=True)
        ),
    )
