"""One kind of question: its settings, and what each task type fills in for those not given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, field_validator

from harness.spec import Spec
from harness.types import GoldRecord, Language, Record, TaskType

PROMPT_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
AS_IT_IS: tuple[TaskType, ...] = ("multi_turn", "perplexity")
"""Types whose input is not put into a prompt, and that take no solved examples."""
NO_ANSWER: Mapping[Language, str] = {"en": "unanswerable", "zh": "无法回答"}


class TaskConfig(Record):
    """One kind of question in a suite; what is not given comes from its type."""

    type: TaskType = "generate"
    prompt: str = "{{ input }}"
    """Jinja template of the user's turn. It sees `input` (the gold row's), `choices`, `letters`,
    `labels` and `no_answer`; if it uses `choice` or `letter`, every choice has a prompt of its
    own."""
    system: str | None = None
    """System turn; the suite's own when absent."""
    max_tokens: int = Field(default=64, gt=0)
    stop: tuple[str, ...] = ()
    """Strings that end a completion, besides the template's own."""
    score: Literal["continuation", "letter"] = "continuation"
    """What of a choice is scored by multiple_choice: its text, or its letter (the default prompt
    then lists the choices with letters)."""
    continuation: str = "{{ choice }}"
    """Jinja template of what is scored for each choice; sees what `prompt` sees. Nothing is
    added to it: write " {{ choice }}" where the prompt ends in the middle of a line."""
    delimiter: str = " "
    """Between question and answer of a solved example, with `shots_as: text`."""
    history: Literal["gold", "own"] = "gold"
    """What a later turn of multi_turn follows: the gold answers or the model's own."""
    window: int | None = Field(default=None, gt=1)
    """Tokens of a text that perplexity predicts at once; by default the model's context less 2."""
    shots: int = Field(default=0, ge=0)
    """Solved examples before the question, from `shots_from`; never of the item's own cluster."""
    shots_seed: int | None = None
    """Draw the examples at random with this seed; without one, the first of the file are taken."""
    shots_per: Literal["task", "item"] = "task"
    """With a seed: the same examples for the whole task, or a draw for each item."""
    shots_as: Literal["turns", "text"] = "turns"
    """Solved examples as turns of the conversation, or all in the one user's turn."""
    metrics: tuple[Spec, ...] = ()
    """Names, or {name: {parameter: value}}."""
    extract: tuple[Spec, ...] = ()
    """Steps that find the answer in what the model said, before any metric sees it."""
    labels: tuple[str, ...] = ()
    """The classes of a classification task; by default those of the gold answers."""
    no_answer: str | None = None
    """What the default prompt of extractive_qa asks for where the text has no answer; by default
    "unanswerable" (无法回答) if the gold set has such items."""

    @field_validator("prompt", "continuation")
    @classmethod
    def _is_jinja(cls, prompt: str) -> str:
        try:
            PROMPT_JINJA.parse(prompt)
        except TemplateError as error:
            raise ValueError(f"not a valid Jinja template: {error}") from None
        return prompt


class TaskError(ValueError):
    """A setting that contradicts its task's type."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a task type fills in."""

    prompt: Mapping[Language, str]
    fields: tuple[str, ...] = ()
    """What the prompt reads of an input with fields."""
    reads_text: bool = True
    """Whether the input may also be a plain text."""
    metrics: Mapping[Language, tuple[str, ...]]
    """Empty: the suite must name them."""
    max_tokens: int = 64


_TEXT = "{{ input if input is string else input.text }}"
_QUESTION = (
    "{% if input is not string and input.context is defined %}{{ input.context }}\n\n{% endif %}"
    "{{ input if input is string else input.question }}"
)
_CONTEXT = "{{ input.context }}\n\n"
_OPTIONS = "\n{% for choice in choices %}{{ letters[loop.index0] }}. {{ choice }}\n{% endfor %}"


def _both(*metrics: str) -> Mapping[Language, tuple[str, ...]]:
    return {"en": metrics, "zh": metrics}


PRESETS: Mapping[TaskType, Preset] = {
    "generate": Preset(prompt={"en": "{{ input }}", "zh": "{{ input }}"}, metrics=_both()),
    "multiple_choice": Preset(
        prompt={"en": _QUESTION, "zh": _QUESTION},
        fields=("question",),
        metrics=_both("accuracy", "acc_norm"),
    ),
    "classification": Preset(
        prompt={
            "en": _TEXT + "\n\nWhich of these labels fits: {{ labels | join(', ') }}? "
            "Answer with the label only.",
            "zh": _TEXT + "\n\n以下哪个标签最合适：{{ labels | join('、') }}？只回答标签。",
        },
        fields=("text",),
        metrics=_both("accuracy", "macro_f1"),
        max_tokens=16,
    ),
    "extractive_qa": Preset(
        prompt={
            "en": _CONTEXT + "{{ input.question }} Answer with a few words from the text."
            "{% if no_answer %} If the text does not answer it, say: {{ no_answer }}.{% endif %}",
            "zh": _CONTEXT + "{{ input.question }}请用原文中的词语简短回答。"
            "{% if no_answer %}如果原文没有答案，请回答：{{ no_answer }}。{% endif %}",
        },
        fields=("context", "question"),
        reads_text=False,
        metrics={"en": ("squad_em", "squad_f1"), "zh": ("cmrc_em", "cmrc_f1")},
        max_tokens=32,
    ),
    "reading": Preset(
        prompt={
            "en": _CONTEXT + "Answer from the text above: {{ input.question }}",
            "zh": _CONTEXT + "请根据上文回答：{{ input.question }}",
        },
        fields=("context", "question"),
        reads_text=False,
        metrics=_both("contains", "token_f1", "rouge_l"),
    ),
    "summarisation": Preset(
        prompt={
            "en": "Summarise this text.\n\n" + _TEXT,
            "zh": "请概括下面的内容。\n\n" + _TEXT,
        },
        fields=("text",),
        metrics=_both("rouge_1", "rouge_2", "rouge_lsum"),
        max_tokens=128,
    ),
    "translation": Preset(
        prompt={
            "en": "Translate into English. Give only the translation.\n\n" + _TEXT,
            "zh": "请翻译成中文，只给出译文。\n\n" + _TEXT,
        },
        fields=("text",),
        metrics=_both("bleu", "chrf"),
        max_tokens=256,
    ),
    "multi_turn": Preset(
        prompt={"en": "{{ input }}", "zh": "{{ input }}"},
        reads_text=False,
        metrics=_both("token_f1", "chrf"),
        max_tokens=128,
    ),
    "perplexity": Preset(
        prompt={"en": _TEXT, "zh": _TEXT},
        fields=("text",),
        metrics={
            "en": ("perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"),
            # Words between spaces say nothing about Chinese.
            "zh": ("perplexity", "byte_perplexity", "bits_per_byte"),
        },
    ),
    "lm_eval": Preset(prompt={"en": "{{ input }}", "zh": "{{ input }}"}, metrics=_both()),
}

_LETTERED = Preset(
    prompt={
        "en": _QUESTION + _OPTIONS + "Answer:",
        "zh": _QUESTION + _OPTIONS + "答案：",
    },
    fields=("question",),
    metrics=_both("accuracy"),
)


def resolve(task: TaskConfig, language: Language) -> TaskConfig:
    """Return the task with its type's defaults in place of what suite.yaml leaves open.

    Raises:
        TaskError: a setting contradicts its type.
    """
    preset = preset_of(task)
    given = task.model_fields_set
    found: dict[str, object] = {}
    if "prompt" not in given:
        found["prompt"] = preset.prompt[language]
    if "max_tokens" not in given:
        found["max_tokens"] = preset.max_tokens
    if "continuation" not in given and task.score == "letter":
        found["continuation"] = "{{ letter }}"
    if not task.metrics:
        found["metrics"] = tuple(Spec(name=name) for name in preset.metrics[language])
    full = task.model_copy(update=found)
    _refuse_contradictions(full, given)
    return full


def fit(task: TaskConfig, records: Sequence[GoldRecord], language: Language) -> TaskConfig:
    """Return the task with what its gold items decide: its classes, and its "no answer"."""
    if task.type == "classification" and not task.labels:
        found = dict.fromkeys(sorted(r.references[0] for r in records if r.references))
        return task.model_copy(update={"labels": tuple(found)})
    has_gaps = any(not record.references for record in records)
    if task.type == "extractive_qa" and task.no_answer is None and has_gaps:
        return task.model_copy(update={"no_answer": NO_ANSWER[language]})
    return task


def preset_of(task: TaskConfig) -> Preset:
    """Return the defaults of a task's type."""
    is_lettered = task.type == "multiple_choice" and task.score == "letter"
    return _LETTERED if is_lettered else PRESETS[task.type]


def input_fault(task: TaskConfig, record: GoldRecord, language: Language) -> str | None:
    """Return why the type's own prompt cannot read an item's input; None when it can."""
    preset = preset_of(task)
    if isinstance(record.input, tuple) or task.prompt != preset.prompt[language]:
        return None
    if isinstance(record.input, str):
        if preset.reads_text:
            return None
        if task.type == "multi_turn":
            return "a multi_turn item needs a conversation: a list of {role, content}"
        return f"its input must have the fields {_listed(preset.fields)}: {task.type} reads them"
    absent = [field for field in preset.fields if field not in record.input]
    if preset.fields and not absent:
        return None
    wanted = f"has no field {_listed(absent)}; add it, or give" if absent else "has fields: give"
    names = ", ".join(record.input)
    return f"its input {wanted} the task a `prompt` that reads what is there ({names})"


def scored_text(record: GoldRecord) -> str:
    """Return the text of a perplexity item."""
    if isinstance(record.input, dict):
        return record.input["text"]
    assert isinstance(record.input, str), f"{record.id} is a conversation"
    return record.input


@lru_cache(maxsize=256)
def variables(template: str) -> Set[str]:
    """Return the names that a Jinja template reads."""
    return meta.find_undeclared_variables(PROMPT_JINJA.parse(template))


def _refuse_contradictions(task: TaskConfig, given: set[str]) -> None:
    if not task.metrics:
        raise TaskError("metrics", f"a task of type {task.type} must name its metrics")
    only_for: Mapping[str, TaskType] = {
        "score": "multiple_choice",
        "continuation": "multiple_choice",
        "history": "multi_turn",
        "window": "perplexity",
        "no_answer": "extractive_qa",
    }
    for setting, owner in only_for.items():
        if setting in given and task.type != owner:
            raise TaskError(setting, f"this belongs to {owner} tasks, not to {task.type}")
    if task.shots and task.type in AS_IT_IS:
        raise TaskError("shots", f"a {task.type} task takes no solved examples")
    if task.type in AS_IT_IS and "prompt" in given:
        raise TaskError("prompt", f"a {task.type} task takes its input as it is")
    if task.shots_per == "item" and task.shots_seed is None:
        raise TaskError("shots_per", "a draw for each item needs a `shots_seed`")
    is_by_length = any(spec.name == "acc_norm" for spec in task.metrics)
    if is_by_length and "choice" not in variables(task.continuation):
        raise TaskError(
            "metrics", "acc_norm divides by the length of a choice, but the choices themselves "
            "are not what is scored; use accuracy",
        )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)
