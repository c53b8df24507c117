"""A suite's judges, what they are asked about an answer, and the verdicts that are stored.

    runs/judgements/<suite>.<judge>-<definition8>/<judge>-<digest12>/

Every such folder is an ordinary run whose gold items are pairs of an item and an answer. An
item's id ends with the digest of everything the judge reads, so a verdict is found again by any
run with the same answer, and never by one with another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from jinja2 import Template, TemplateError

from harness.digest import digest_of, file_digest
from harness.errors import ConfigError, UnknownNameError
from harness.metrics.base import Item
from harness.prompts import conversation
from harness.registry import ENGINES
from harness.rubric import JudgeConfig, Rubric, Winner, load_rubric
from harness.store import MANIFEST, RunFolder
from harness.suite import Suite
from harness.tasks import PROMPT_JINJA
from harness.types import Completion, GoldRecord, Message

FOLDER = "judgements"
"""Under the folder of all runs."""
TASK = "judge"
"""Of the items that a judge answers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judge:
    """A judge of a suite, ready to be asked."""

    name: str
    config: JudgeConfig
    rubric: Rubric
    suite: Suite
    replay: Path | None

    @property
    def definition(self) -> str:
        """Hash of all that the suite says about this judge and about the questions."""
        tasks = {name: [task.prompt, task.system] for name, task in self.suite.config.tasks.items()}
        return digest_of(
            {
                "judge": self.config.model_dump(mode="json", exclude={"rubric", "replay"}),
                "rubric": self.rubric.model_dump(mode="json"),
                "replay": file_digest(self.replay) if self.replay else None,
                "tasks": tasks,
                "system": self.suite.config.system,
            }
        )

    @property
    def stem(self) -> str:
        """Name of the folder of this judge's runs."""
        return f"{self.suite.name}.{self.name}-{self.definition[:8]}"

    def asked(self, item: Item) -> tuple[GoldRecord, ...]:
        """Return what the judge is asked about an item: once, or in both orders; or nothing.

        Nothing is asked about choices scored by likelihood, without the other answer, or where
        both answers are the same text, which is a tie.
        """
        answer = item.completion.text.strip()
        if item.completion.choice_logprobs is not None:
            return ()
        if self.rubric.kind == "rating":
            return (self._record(item.gold, answer=answer),)
        if item.rival is None or item.rival.text.strip() == answer:
            return ()
        rival = item.rival.text.strip()
        return (
            self._record(item.gold, answer_a=answer, answer_b=rival),
            self._record(item.gold, answer_a=rival, answer_b=answer),
        )

    def _record(self, gold: GoldRecord, **answers: str) -> GoldRecord:
        low, high = self.rubric.scale
        try:
            text = _compiled(self.rubric.prompt).render(
                question=question_asked(self.suite, gold),
                references=gold.references if self.rubric.references else (),
                criteria=self.rubric.criteria,
                anchors=dict(sorted(self.rubric.anchors.items())),
                low=low,
                high=high,
                **answers,
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ConfigError(
                f"{self.suite.file}: the prompt of judge {self.name!r} does not fit gold item "
                f"{gold.id!r}: {error}"
            ) from None
        turns = [Message(role="user", content=text.strip())]
        if self.rubric.system:
            turns.insert(0, Message(role="system", content=self.rubric.system))
        digest = digest_of([turn.model_dump() for turn in turns])
        return GoldRecord(id=f"{gold.id}#{digest[:16]}", task=TASK, input=tuple(turns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge said about one item."""

    state: str
    """"judged"; "not judged" yet; "unclear": it gave no verdict that can be read; "not asked"."""
    value: float | None = None
    """The rating; or 1 for a win, 0.5 for a tie, 0 for a loss."""
    reasons: tuple[str, ...] = ()
    winners: tuple[Winner, ...] = ()
    """Of both orders, as positions: A stood first."""

    @property
    def is_flipped(self) -> bool:
        """Whether the other answer won when the order was swapped: the same position twice."""
        return self.winners in {("A", "A"), ("B", "B")}


@dataclass(frozen=True, slots=True)
class Judgements:
    """The stored verdicts of one judge, by what was asked."""

    judge: Judge
    said: Mapping[str, Completion] = field(default_factory=dict[str, Completion])
    model: str | None = None
    """Digest of the model that gave them; None when there are none."""

    def verdict(self, item: Item) -> Verdict:
        """Return what the judge said about an item."""
        if self.judge.rubric.kind == "pairwise" and _is_same(item):
            return Verdict(state="judged", value=0.5)
        asked = self.judge.asked(item)
        if not asked:
            return Verdict(state="not asked")
        if any(record.id not in self.said for record in asked):
            return Verdict(state="not judged")
        texts = [self.said[record.id].text for record in asked]
        rubric = self.judge.rubric
        reasons = tuple(rubric.reason(text) for text in texts)
        if rubric.kind == "rating":
            rating = rubric.rating(texts[0])
            state = "unclear" if rating is None else "judged"
            return Verdict(
                state=state, value=None if rating is None else float(rating), reasons=reasons
            )
        winners = _clear([rubric.winner(text) for text in texts])
        if winners is None:
            return Verdict(state="unclear", reasons=reasons)
        return Verdict(state="judged", value=_outcome(winners), reasons=reasons, winners=winners)


def load_judges(suite: Suite) -> dict[str, Judge]:
    """Return a suite's judges by name.

    Raises:
        ConfigError, UnknownNameError: naming the suite's file and the judge.
    """
    return {name: load_judge(suite, name) for name in suite.config.judges}


def load_judge(suite: Suite, name: str) -> Judge:
    """Return one of a suite's judges.

    Raises:
        ConfigError, UnknownNameError: naming the suite's file and the judge.
    """
    where = f"{suite.file}: judge {name!r}"
    if name not in suite.config.judges:
        if not suite.config.judges:
            raise ConfigError(f"{suite.file}: no `judges:` here, so there is no judge {name!r}")
        raise UnknownNameError("judge", name, suite.config.judges, where=str(suite.file))
    config = suite.config.judges[name]
    if config.engine not in ENGINES:
        raise UnknownNameError("engine", config.engine, ENGINES, where=where)
    if (config.replay is None) == (config.engine == "replay"):
        raise ConfigError(f"{where}: `engine: replay` and `replay: FILE` belong together")
    replay = None if config.replay is None else suite.file.parent / config.replay
    if replay is not None and not replay.is_file():
        raise ConfigError(f"{where}: {replay}: no such file")
    try:
        rubric = load_rubric(config.rubric, suite.config.language, suite.file.parent)
        PROMPT_JINJA.parse(rubric.prompt)
    except TemplateError as error:
        raise ConfigError(f"{where}: its prompt is not a valid Jinja template: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return Judge(name=name, config=config, rubric=rubric, suite=suite, replay=replay)


def stored_judgements(judge: Judge, runs: Path | None) -> Judgements:
    """Return what a judge has said so far about any run.

    Raises:
        ConfigError: two different models of the same name have judged.
    """
    if runs is None:
        return Judgements(judge)
    said: dict[str, Completion] = {}
    models: dict[str, Path] = {}
    for folder in judged_folders(judge, runs):
        models.setdefault(str(folder.manifest["identity"]["model"]), folder.path)
        said.update(folder.completions())
    if len(models) > 1:
        first, second, *_ = models.values()
        raise ConfigError(
            f"judge {judge.name!r}: {first} and {second} were judged by two different models "
            f"called {judge.config.model!r}; move the folders of one of them away"
        )
    return Judgements(judge, said, next(iter(models), None))


def judged_folders(judge: Judge, runs: Path) -> list[RunFolder]:
    """Return the runs of a judge."""
    found = (runs / FOLDER).glob(f"{judge.stem}/*/{MANIFEST}")
    return [RunFolder(path=manifest.parent) for manifest in sorted(found)]


@cache
def _compiled(prompt: str) -> Template:
    return PROMPT_JINJA.from_string(prompt)


def question_asked(suite: Suite, gold: GoldRecord) -> str:
    """Return what the model was asked: its turns without system turn and solved examples."""
    turns = conversation(replace(suite, pools={}), gold)
    if turns and turns[0].role == "system" and not _has_own_system(gold):
        turns = turns[1:]
    if len(turns) == 1:
        return turns[0].content
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns)


def _has_own_system(gold: GoldRecord) -> bool:
    return isinstance(gold.input, tuple) and gold.input[0].role == "system"


def _is_same(item: Item) -> bool:
    return (
        item.rival is not None
        and item.completion.choice_logprobs is None
        and item.rival.text.strip() == item.completion.text.strip()
    )


def _clear(winners: Sequence[Winner | None]) -> tuple[Winner, ...] | None:
    clear: list[Winner] = [winner for winner in winners if winner is not None]
    return tuple(clear) if len(clear) == len(winners) else None


def _outcome(winners: Sequence[Winner]) -> float:
    """Return 1, 0.5 or 0 for the answer that stood first, then second.

    A win counts only when both orders say so (Zheng et al. 2023, section 3.4).
    """
    if tuple(winners) == ("A", "B"):
        return 1.0
    return 0.0 if tuple(winners) == ("B", "A") else 0.5
