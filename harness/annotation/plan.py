"""From runs to the items of a session: which answers, in what form, for how many raters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.annotation.checks import KnownItem
from harness.annotation.config import SessionConfig
from harness.annotation.draw import blocks, draw, key_of, length_class, overlap_of, stratified
from harness.annotation.errors import AnnotationError
from harness.annotation.leaks import Scanner, telling_names
from harness.annotation.schema.types import ItemKind
from harness.metrics.judgements import question_asked
from harness.metrics.ratings import answer_digest, tidy
from harness.store import RunFolder
from harness.suite import Suite
from harness.types import Completion, GoldRecord, TaskType

WITHOUT_TEXT: tuple[TaskType, ...] = ("multiple_choice", "perplexity")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswers:
    """A run with what it said."""

    folder: RunFolder
    configuration: str
    completions: Mapping[str, Completion]
    """By gold id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of an item to be."""

    text: str
    shown: str
    digest: str
    leaks: tuple[Mapping[str, str], ...]
    runs: tuple[int, ...]
    """Which runs said it, by their number; none: it comes from the file of checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """An item of a session to be."""

    key: str
    kind: ItemKind
    gold_id: str
    cluster: str | None
    stratum: str
    slices: Mapping[str, str]
    prompt: str
    references: tuple[str, ...]
    answers: tuple[Answer, ...]
    source: str
    """As in the table of items."""
    block: int = 0
    shuffle: int = 0
    target: int | None = None
    known: KnownItem | None = None


def plan_items(
    config: SessionConfig, suite: Suite, runs: Sequence[RunAnswers], known: Sequence[KnownItem]
) -> list[PlannedItem]:
    """Return the items of a session; equal arguments give equal items.

    Args:
        config: The session.
        suite: What the runs answered.
        runs: The runs; the first is the baseline of pairs.
        known: Checks and training items.

    Raises:
        AnnotationError: no gold item can be rated.
    """
    records = _chosen(config, suite, runs)
    scanner = Scanner(rules=config.leaks, names=names_of(runs))
    drafts = [
        item for record in records for item in _items_of(config, suite, runs, record, scanner)
    ]
    shown = {item.key: item.stratum for item in drafts if item.source == "raters"}
    overlap = overlap_of(shown, config.overlap, config.seed)
    block = blocks(shown, config.seed)
    base = config.raters_per_item
    several = None if base == "all" else max(base, config.overlap.raters)
    planned = [
        _placed(
            item,
            config,
            block=block.get(item.key, 0),
            target=several if item.key in overlap else None if base == "all" else base,
        )
        for item in drafts
    ]
    return planned + [_placed(_known_item(config, one), config) for one in known]


def names_of(runs: Sequence[RunAnswers]) -> tuple[str, ...]:
    """Return every name by which a run of the session could be recognised."""
    names: list[str] = []
    for run in runs:
        names += [run.folder.path.name, run.configuration]
        provenance = run.folder.manifest.get("provenance", {})
        names += [str(provenance[key]) for key in ("model", "adapter") if provenance.get(key)]
    return telling_names(names)


def ratable_tasks(config: SessionConfig, suite: Suite) -> list[str]:
    """Return the tasks whose answers a reader can judge from prompt and answer alone.

    Raises:
        AnnotationError: a task that the session names is not one of these.
    """
    able = [
        name
        for name, task in suite.config.tasks.items()
        if task.type not in WITHOUT_TEXT and task.history != "own"
    ]
    for name in config.tasks:
        if name not in suite.config.tasks:
            known = ", ".join(suite.config.tasks)
            raise AnnotationError(f"tasks: {suite.name} has no task {name!r}; it has: {known}")
        if name not in able:
            raise AnnotationError(
                f"tasks: the answers of {name!r} are choices, likelihoods, or follow answers that "
                "raters do not see; they cannot be rated"
            )
    return [name for name in able if not config.tasks or name in config.tasks]


def _chosen(config: SessionConfig, suite: Suite, runs: Sequence[RunAnswers]) -> list[GoldRecord]:
    tasks = ratable_tasks(config, suite)
    records = [
        record
        for record in suite.gold
        if record.task in tasks and all(record.id in run.completions for run in runs)
    ]
    if not records:
        raise AnnotationError(
            f"{suite.name}: no gold item with an answer in words from every run; nothing to rate"
        )
    strata = {record.id: _stratum(config, record) for record in records}
    kept = stratified(strata, config.limit or len(records), [config.seed, "items"])
    return [record for record in records if record.id in kept]


def _stratum(config: SessionConfig, record: GoldRecord) -> str:
    parts = [record.task, *(record.slices.get(name, "") for name in config.strata)]
    return "/".join(parts)


def _items_of(
    config: SessionConfig,
    suite: Suite,
    runs: Sequence[RunAnswers],
    record: GoldRecord,
    scanner: Scanner,
) -> list[PlannedItem]:
    """Return one item for each different answer, or one for each pair of runs."""
    prompt = question_asked(suite, record)
    context = "\n".join([prompt, *record.references])
    groups: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        groups.setdefault(answer_digest(run.completions[record.id].text), []).append(number)

    def answer(numbers: Sequence[int]) -> Answer:
        return _answer(runs, record.id, numbers, scanner, context)

    def item(answers: tuple[Answer, ...], *what: object) -> PlannedItem:
        longest = max((one.shown for one in answers), key=len)
        return PlannedItem(
            key=key_of(config.seed, config.name, record.id, *what),
            kind="plain",
            gold_id=record.id,
            cluster=record.cluster,
            stratum=f"{_stratum(config, record)}/{length_class(longest)}",
            slices=record.slices,
            prompt=prompt,
            references=record.references,
            answers=answers,
            source=_source(config, answers),
        )

    if config.kind == "likert":
        return [item((answer(group),), digest) for digest, group in groups.items()]
    found: list[PlannedItem] = []
    for pair in _pairs(config, len(runs)):
        if any(set(pair) <= set(group) for group in groups.values()):
            found.append(item((answer(pair),), *pair))
            continue
        # Not the baseline first: the stored order must not tell which is which.
        is_turned = draw([config.seed, record.id, *pair]) % 2
        order = reversed(pair) if is_turned else pair
        found.append(item(tuple(answer((number,)) for number in order), *pair))
    return found


def _answer(
    runs: Sequence[RunAnswers],
    gold_id: str,
    numbers: Sequence[int],
    scanner: Scanner,
    context: str,
) -> Answer:
    completion = runs[numbers[0]].completions[gold_id]
    scan = scanner.scan(
        completion.text, context=context, is_truncated=completion.finish == "length"
    )
    return Answer(
        text=completion.text,
        shown=scan.shown,
        digest=answer_digest(completion.text),
        leaks=tuple(leak.as_row() for leak in scan.leaks),
        runs=tuple(numbers),
    )


def _source(config: SessionConfig, answers: Sequence[Answer]) -> str:
    """Return who decides about an item: raters, or nobody."""
    if any(leak["done"] == "exclude" for answer in answers for leak in answer.leaks):
        return "excluded"
    # The same text twice is a tie; on scales it is rated once, for both runs.
    return "identical" if config.kind == "pairwise" and len(answers) == 1 else "raters"


def _pairs(config: SessionConfig, n_runs: int) -> list[tuple[int, int]]:
    if config.pairs == "all":
        return list(combinations(range(n_runs), 2))
    return [(0, number) for number in range(1, n_runs)]


def _known_item(config: SessionConfig, known: KnownItem) -> PlannedItem:
    answers = tuple(
        Answer(text=text, shown=tidy(text), digest=answer_digest(text), leaks=(), runs=())
        for text in known.answers
    )
    return PlannedItem(
        key=key_of(config.seed, config.name, known.kind, known.id),
        kind=known.kind,
        gold_id=known.id,
        cluster=None,
        stratum=known.kind,
        slices={},
        prompt=known.prompt,
        references=known.references,
        answers=answers,
        source="raters",
        known=known,
    )


def _placed(
    item: PlannedItem, config: SessionConfig, *, block: int = 0, target: int | None = None
) -> PlannedItem:
    return replace(item, block=block, target=target, shuffle=draw([config.seed, item.key]))
