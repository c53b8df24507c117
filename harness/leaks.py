"""Which gold items of a study's suites stand in what its configurations learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.contamination.find import Leak, TrainingText, find_leaks
from harness.study import Study
from harness.suite import Suite
from harness.training import TrainingRow
from harness.types import Record
from harness.variants import Variant


class FoundLeak(Record):
    """One gold item that training has seen, and which configurations have."""

    leak: Leak
    configurations: tuple[str, ...]


def study_leaks(study: Study, suite: Suite, *, only: str | None = None) -> tuple[FoundLeak, ...]:
    """Return a suite's gold items that stand in the training data, the worst case of each.

    Args:
        study: Whose configurations are trained.
        suite: One of its suites.
        only: Name of the one variant to look at; by default all.
    """
    found: dict[str, Leak] = {}
    names: dict[str, list[str]] = {}
    for rows, configurations in _by_data(study, only).items():
        for leak in find_leaks(suite, training_texts(rows)):
            known = found.get(leak.gold_id)
            if known is None or leak.share > known.share:
                found[leak.gold_id] = leak
            known_names = names.setdefault(leak.gold_id, [])
            known_names += [name for name in configurations if name not in known_names]
    return tuple(
        FoundLeak(leak=found[record.id], configurations=tuple(names[record.id]))
        for record in suite.gold
        if record.id in found
    )


def training_texts(rows: Sequence[TrainingRow]) -> Iterator[TrainingText]:
    """Yield what each row asks (all but the assistant's turns) and what it answers."""
    for row in rows:
        asked = [turn.content for turn in row.messages if turn.role == "user"]
        said = [turn.content for turn in row.messages if turn.role == "assistant"]
        yield TrainingText(origin=row.origin, questions=tuple(asked), answers=tuple(said))


def leak_sentence(suite: str, leaks: Sequence[FoundLeak]) -> str:
    """Say in one sentence how many items training has seen, with the worst as the example."""
    n_leaked = sum(found.leak.verdict == "leaked" for found in leaks)
    worst = max((found.leak for found in leaks), key=lambda leak: leak.share)
    counts = ", ".join(
        f"{n} {verdict}"
        for n, verdict in ((n_leaked, "leaked"), (len(leaks) - n_leaked, "suspect"))
        if n
    )
    where = "reference" if worst.is_answer else "input"
    return (
        f"{suite}: training data has gold items ({counts}), such as "
        f"{worst.gold_id}, whose {where} is in {worst.origin}: {_short(worst.shared)}"
    )


def leak_warnings(study: Study, variant: Variant) -> list[str]:
    """Return what there is to say before a configuration is trained; empty when it is clean."""
    found = {suite.name: study_leaks(study, suite, only=variant.name) for suite in study.suites}
    return [f"WARNING {leak_sentence(name, leaks)}" for name, leaks in found.items() if leaks]


def _by_data(study: Study, only: str | None) -> Mapping[tuple[TrainingRow, ...], list[str]]:
    """Group the configurations that learn from the same rows."""
    found: dict[tuple[TrainingRow, ...], list[str]] = {}
    for variant in study.variants:
        if variant.training is not None and only in (None, variant.name):
            names = found.setdefault(variant.training.rows, [])
            if variant.configuration not in names:
                names.append(variant.configuration)
    return found


def _short(text: str, *, most: int = 120) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}…")
