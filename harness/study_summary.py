"""Score and compare what a study has run: everything that needs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.advice import advise, advise_confirmed
from harness.leaks import FoundLeak, study_leaks
from harness.pareto import Cost, trade_offs
from harness.remarks import remarks
from harness.result import CellResult, StudyResult, SuiteResult, VariantResult
from harness.runner import Cell, folder_of
from harness.scoring import Scores, score_run
from harness.seeds import NoiseFloor, mean_of_seeds, noise_floor, noise_warnings
from harness.store import RunFolder, keep_gold
from harness.study import Study
from harness.study_compare import compare_all, compare_clean, confirm_choice
from harness.suite import Suite
from harness.training import PlannedTraining
from harness.variants import Variant


def summarise(
    study: Study, failures: Mapping[str, str] | None = None, notes: Sequence[str] = ()
) -> StudyResult:
    """Score and compare what is there; no model is loaded.

    Args:
        study: What was run.
        failures: Why variants are missing, by name.
        notes: For the result's warnings.
    """
    variants, scores = _measured(study, failures or {})
    merged, noise = _merged(study, scores)
    comparisons = compare_all(study, merged, study.suites)
    confirmation = confirm_choice(study, merged)
    baseline = study.config.baseline
    if confirmation is None:
        advice = advise(comparisons, study.roles, baseline=baseline)
    else:
        advice = advise_confirmed(confirmation, comparisons, study.roles, baseline=baseline)
    leaks = {suite.name: study_leaks(study, suite) for suite in study.suites}
    return StudyResult(
        name=study.config.name,
        description=study.config.description,
        model=study.serving.model.name,
        template=study.serving.template.name,
        engine=study.serving.engine,
        baseline=baseline,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        suites=tuple(_suite_result(study, suite, leaks[suite.name]) for suite in study.suites),
        variants=tuple(variants),
        comparisons=tuple(comparisons),
        clean=tuple(compare_clean(study, merged, leaks)),
        confirmation=confirmation,
        trade_offs=trade_offs(comparisons, study.roles, _costs(study, variants), baseline=baseline),
        noise=tuple(noise),
        advice=tuple(advice),
        warnings=(
            *notes,
            *_missing_seeds(variants),
            *noise_warnings(comparisons, noise),
            *remarks(study, variants, leaks, scores),
        ),
    )


def _measured(
    study: Study, failures: Mapping[str, str]
) -> tuple[list[VariantResult], dict[str, list[Scores]]]:
    """Return every variant's result, and the scores of those that did not fail."""
    variants: list[VariantResult] = []
    scores: dict[str, list[Scores]] = {}
    before = [folder_of(cell, study.serving, study.root) for cell in study.cells(None)]
    for variant in (None, *study.variants):
        name = variant.name if variant else study.config.baseline
        if name in failures:
            variants.append(_failed(variant, name, failures[name]))
            continue
        cells = study.cells(variant)
        folders = [folder_of(cell, study.serving, study.root) for cell in cells]
        scores[name] = [
            score
            for cell, folder, baseline in zip(cells, folders, before, strict=True)
            for score in score_run(
                folder, cell.suite, name, trusts_code=study.trusts_code, baseline=baseline
            )
        ]
        variants.append(_variant_result(study, variant, cells, folders))
    return variants, scores


def _merged(
    study: Study, scores: Mapping[str, list[Scores]]
) -> tuple[dict[str, list[Scores]], list[NoiseFloor]]:
    """Return scores by configuration, the mean of its seeds where it has several, and their noise."""
    merged = {study.config.baseline: scores[study.config.baseline]}
    noise: list[NoiseFloor] = []
    seeds: dict[str, list[tuple[int, list[Scores]]]] = {}
    for variant in study.variants:
        if variant.name not in scores:
            continue
        if variant.seed is None:
            merged[variant.name] = scores[variant.name]
        else:
            merged.setdefault(variant.configuration, [])
            seeds.setdefault(variant.configuration, []).append((variant.seed, scores[variant.name]))
    for name, found in seeds.items():
        numbers = [seed for seed, _ in found]
        for group in zip(*(own for _, own in found), strict=True):
            merged[name].append(mean_of_seeds(group, name))
            floor = noise_floor(group, numbers, name)
            noise += [floor] if floor else []
    return merged, noise


def _missing_seeds(variants: Sequence[VariantResult]) -> list[str]:
    """Name the configurations of which not every seed could be had."""
    found: list[str] = []
    for name in dict.fromkeys(variant.seed_of for variant in variants if variant.seed_of):
        group = [variant for variant in variants if variant.seed_of == name]
        n_done = sum(variant.status == "complete" for variant in group)
        if 0 < n_done < len(group):
            found.append(f"{name} is the mean of {n_done} of its {len(group)} seeds: others failed")
    return found


def _costs(study: Study, variants: Sequence[VariantResult]) -> dict[str, Cost]:
    """Return each configuration's costs, of one seed where there are several."""
    trained = {variant.name for variant in study.variants if variant.training}
    costs: dict[str, Cost] = {}
    for name in dict.fromkeys(variant.configuration for variant in variants):
        group = [v for v in variants if v.configuration == name and v.status == "complete"]
        seconds = [v.run_seconds + (v.train_seconds or 0.0) for v in group]
        is_known = all(
            v.name == study.config.baseline or (v.name in trained and v.train_seconds is not None)
            for v in group
        )
        costs[name] = Cost(
            seconds=sum(seconds) / len(seconds) if seconds and is_known else None,
            peak_bytes=max((v.peak_bytes for v in group), default=0) or None,
        )
    return costs


def _failed(variant: Variant | None, name: str, failure: str) -> VariantResult:
    return VariantResult(
        name=name,
        seed_of=variant.seed_of if variant else None,
        seed=variant.seed if variant else None,
        status="failed",
        failure=failure,
    )


def _variant_result(
    study: Study, variant: Variant | None, cells: Sequence[Cell], folders: Sequence[RunFolder]
) -> VariantResult:
    results = tuple(
        _cell_result(study.root, cell, folder) for cell, folder in zip(cells, folders, strict=True)
    )
    sessions = [event for folder in folders for event in folder.events("session")]
    peak = max((int(event["peak_bytes"]) for event in sessions), default=0)
    canary = max((event["canary"] for event in sessions if event.get("canary")), default=None)
    probes = [event["parity_probes"] for event in sessions if event.get("parity_probes")]
    training = variant.training if variant else None
    summary: dict[str, Any] = training.summary() if training else {}
    return VariantResult(
        name=variant.name if variant else study.config.baseline,
        seed_of=variant.seed_of if variant else None,
        seed=variant.seed if variant else None,
        training_folder=_relative(training.folder.path, study.root) if training else None,
        train_seconds=summary.get("seconds"),
        run_seconds=sum(cell.seconds for cell in results),
        peak_bytes=max(peak, int(summary.get("peak_bytes", 0))),
        tokens_per_second=summary.get("tokens_per_second"),
        heldout_loss=summary.get("heldout_loss_by_epoch", {}),
        settings=_settings(training) if training else {},
        canary=canary,
        parity_probes=max(probes, default=None),
        cells=results,
    )


def _cell_result(root: Path, cell: Cell, folder: RunFolder) -> CellResult:
    done = folder.completions()
    generated = [completion for completion in done.values() if completion.choice_logprobs is None]
    n = len(generated)
    return CellResult(
        suite=cell.suite.name,
        folder=_relative(folder.path, root),
        n_planned=len(cell.suite.gold),
        n_done=len(done),
        ended_by_itself=sum(c.finish == "stop" for c in generated) / n if n else None,
        mean_tokens=sum(c.completion_tokens for c in generated) / n if n else None,
        seconds=sum(float(event["seconds"]) for event in folder.events("session")),
    )


def _suite_result(study: Study, suite: Suite, leaks: tuple[FoundLeak, ...]) -> SuiteResult:
    tasks: dict[str, int] = {}
    for record in suite.gold:
        tasks[record.task] = tasks.get(record.task, 0) + 1
    gold = keep_gold(study.root, suite.gold_digest, suite.gold)
    return SuiteResult(
        name=suite.name,
        role=study.roles[suite.name],
        version=suite.config.version,
        language=suite.config.language,
        n_items=len(suite.gold),
        gold_digest=suite.gold_digest,
        gold_file=_relative(gold, study.root),
        tasks=tasks,
        leaks=leaks,
    )


def _settings(training: PlannedTraining) -> dict[str, object]:
    config = dict(training.identity["config"])
    lora = config.pop("lora", {})
    return {**config, **{f"lora.{key}": value for key, value in lora.items()}}


def _relative(path: Path, root: Path) -> str:
    return str(path.resolve().relative_to(root.resolve()))
