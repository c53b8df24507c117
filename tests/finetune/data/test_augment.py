"""New rows by a model: what is asked, kept, resumed and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from finetune.data.augment import Asking, Augmented, augment
from finetune.data.formats import FORMATS
from finetune.data.rewording import How, parse_how, text_fault, units_of
from harness.engines.base import Answer, Request
from harness.errors import ConfigError, DataError, InputError, RunError
from harness.models import ModelSource
from harness.runner import Serving
from harness.suite import Suite, SuiteConfig
from harness.tasks import TaskConfig
from harness.templates import load_template
from harness.types import Completion, GoldRecord
from tests.finetune.data.support import chat, example, rows

PARAPHRASE = How(way="paraphrase")
Reply = Callable[[str], str]


class Talker:
    """Answers what it reads in the prompt with a function of it."""

    def __init__(self, tokenizer: Any, reply: Reply, *, dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self._tokenizer, self._reply, self._dies_after = tokenizer, reply, dies_after

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in requests:
            if len(self.asked) == self._dies_after:
                raise RunError("the engine died")
            said = self._tokenizer.decode(list(request.prompt_ids))
            text = said.partition("Reword: ")[2].partition("<|im_end|>")[0]
            self.asked.append(text)
            yield Answer(
                key=request.key,
                text=self._reply(text),
                finish="stop",
                prompt_ids=request.prompt_ids,
                completion_tokens=3,
            )

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture
def make(tmp_path: Path, tokenizer: Any, model_folder: Path) -> Callable[..., Augmented]:
    """Return augmentation with a talker; calls share one folder of runs."""

    def run(
        fields: Sequence[dict[str, Any]],
        reply: Reply = lambda text: f"Please: {text}",
        *,
        form: str = "messages",
        talker: Talker | None = None,
        how: How = PARAPHRASE,
        suites: Sequence[Suite] = (),
    ) -> Augmented:
        serving = Serving(
            model=ModelSource(name="tiny", path=model_folder, digest="d" * 64),
            template=load_template("chatml", model_folder),
        )
        asking = Asking(
            serving=serving,
            root=tmp_path / "runs",
            max_tokens=8,
            prompt="Reword: {{ text }}",
            engine=talker or Talker(tokenizer, reply),
        )
        return augment(rows(fields, form), how, asking, FORMATS[form], suites=suites)

    return run


def completion(text: str, *, finish: Any = "stop") -> Completion:
    return Completion(gold_id="x", text=text, finish=finish, prompt_tokens=1)


def test_a_new_row_says_what_it_comes_from(make: Callable[..., Augmented]) -> None:
    made = make([chat("What is the dose?", "Two.") | {"id": 7, "how": "by hand"}])

    (row,) = made.rows
    assert row["messages"] == chat("Please: What is the dose?", "Two.")["messages"]
    assert {key: row[key] for key in ("id", "origin", "how", "model", "seed", "before")} == {
        "id": 7,
        "origin": "rows.jsonl:1",
        "how": "paraphrase",
        "model": "tiny",
        "seed": 0,
        "before": {"how": "by hand"},
    }
    assert len(row["prompt_digest"]) == 16


def test_rows_stay_in_their_format(make: Callable[..., Augmented]) -> None:
    made = make(
        [{"instruction": "剂量？", "input": "", "output": "两片"}],
        lambda _: "多大剂量？",
        form="alpaca",
    )

    assert made.rows[0]["instruction"] == "多大剂量？"
    assert made.rows[0]["output"] == "两片"


def test_every_question_of_a_dialogue_is_reworded(make: Callable[..., Augmented]) -> None:
    made = make([chat("One thing?", "1", "And two?", "2")], lambda text: f"So: {text}")

    assert [turn["content"] for turn in made.rows[0]["messages"]] == [
        "So: One thing?", "1", "So: And two?", "2",
    ]  # fmt: skip


def test_equal_texts_are_asked_once(make: Callable[..., Augmented], tokenizer: Any) -> None:
    talker = Talker(tokenizer, lambda text: f"Please: {text}")

    made = make([chat("What is it?", "a"), chat("What is it?", "b")], talker=talker)

    assert talker.asked == ["What is it?"]
    assert len(made.rows) == 2


def test_after_a_crash_only_what_is_missing_is_asked(
    make: Callable[..., Augmented], tokenizer: Any
) -> None:
    fields = [chat(f"Question number {i}?", str(i)) for i in range(6)]
    whole = make(fields)
    dying = Talker(tokenizer, lambda text: f"Please, {text}", dies_after=4)
    other = [chat(f"Other question {i}?", str(i)) for i in range(6)]
    with pytest.raises(RunError):
        make(other, talker=dying)
    second = Talker(tokenizer, lambda text: f"Please, {text}")

    made = make(other, talker=second)

    assert len(dying.asked) == 4
    assert second.asked == ["Other question 4?", "Other question 5?"]
    assert len(made.rows) == len(whole.rows) == 6


def test_what_is_done_is_not_asked_again(make: Callable[..., Augmented], tokenizer: Any) -> None:
    fields = [chat("What is it?", "a")]
    first = make(fields)
    second = Talker(tokenizer, lambda _: "never")

    assert make(fields, talker=second).rows == first.rows
    assert second.asked == []


def test_of_grown_data_only_what_is_new_is_asked(
    make: Callable[..., Augmented], tokenizer: Any
) -> None:
    make([chat("What is it?", "a")])
    talker = Talker(tokenizer, lambda text: f"Say: {text}")

    made = make([chat("What is new?", "b"), chat("What is it?", "a")], talker=talker)

    assert talker.asked == ["What is new?"]
    assert [row["messages"][0]["content"] for row in made.rows] == [
        "Say: What is new?",
        "Please: What is it?",
    ]


def test_rows_of_which_nothing_came_are_listed_and_counted(make: Callable[..., Augmented]) -> None:
    answers = {
        "Copy?": "copy",
        "Empty?": " ",
        "Good?": "Is it good?",
        "Where is Faro?": "In Portugal",
    }

    made = make([chat(question, "Portugal") for question in answers], lambda text: answers[text])

    assert made.counts == {"copied": 1, "empty": 1, "gives_away": 1}
    assert [(one.where, one.rule) for one in made.dropped] == [
        ("rows.jsonl:1", "copied"),
        ("rows.jsonl:2", "empty"),
        ("rows.jsonl:4", "gives_away"),
    ]
    assert len(made.rows) == 1


def test_what_the_model_cannot_read_is_left_out(make: Callable[..., Augmented]) -> None:
    made = make([chat("word " * 400, "a"), chat("What is it?", "b")])

    assert made.counts == {"too_long": 1}


def test_new_rows_that_gold_items_stand_in_go(
    make: Callable[..., Augmented], tmp_path: Path
) -> None:
    gold = "At which temperature must the opened bottles of Quelvadine be kept?"
    config = SuiteConfig(
        name="q", version="1", language="en", description="d", tasks={"ask": TaskConfig()}
    )
    record = GoldRecord(id="q1", task="ask", input=gold, references=("4 °C",))
    suite = Suite(config=config, file=tmp_path / "suite.yaml", gold=(record,), gold_digest="d" * 64)

    made = make([chat("How cold?", "4"), chat("How?", "So.")], lambda _: gold, suites=[suite])

    assert made.counts == {"leaked": 2}


@pytest.mark.parametrize(
    ("source", "text", "how", "rule"),
    [
        ("What is it?", "What might it be?", "paraphrase", None),
        ("Take 20 mg.", "Use 20 mg.", "paraphrase", None),
        ("Take 20 mg.", "Take some.", "paraphrase", "numbers"),
        ("剂量是多少？", "What is the dose?", "paraphrase", "language"),
        ("What is the dose?", "剂量是多少？", "translate:zh", None),
        ("What is the dose?", "Which dose is it?", "translate:zh", "language"),
        ("Is it safe?", "I'm sorry, but I cannot help with that.", "paraphrase", "refused"),
        ("Is it safe?", "safe " * 40, "paraphrase", "repeated"),
        ("Is it safe?", "<think>hmm</think>", "paraphrase", "empty"),
        ("Is it safe?", "<think>hmm</think> Safe, is it?", "paraphrase", None),
    ],
)
def test_a_text_is_taken_or_left_for_a_reason(
    source: str, text: str, how: str, rule: str | None
) -> None:
    (unit,) = units_of(example({"text": source}, "text"), parse_how(how), None)

    fault = text_fault(unit, completion(text), parse_how(how))

    assert (fault and fault[0]) == rule


def test_a_cut_answer_is_left() -> None:
    (unit,) = units_of(example({"text": "What is it?"}, "text"), PARAPHRASE, None)

    fault = text_fault(unit, completion("What might", finish="length"), PARAPHRASE)

    assert fault == ("cut", "the answer was cut at --max-tokens")


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        ("paraphrase", ["剂量？"]),
        ("expand", ["两片"]),
        ("translate:en", ["简短。", "剂量？", "两片"]),
    ],
)
def test_each_way_asks_about_its_own_turns(how: str, asked: list[str]) -> None:
    fields = chat("剂量？", "两片", system="简短。")

    assert [unit.text for unit in units_of(example(fields), parse_how(how), None)] == asked


def test_the_question_is_put_in_the_language_of_the_text() -> None:
    units = units_of(example(chat("剂量？", "两片")), parse_how("expand"), None)

    assert units[0].prompt.startswith("问题：\n剂量？\n\n回答：\n两片\n\n请把这个回答改写得更完整")


def test_pairs_cannot_be_expanded(make: Callable[..., Augmented]) -> None:
    with pytest.raises(DataError, match="expand is for answers; these are preference pairs"):
        make(
            [{"prompt": "a", "chosen": "b", "rejected": "c"}],
            form="preference",
            how=How(way="expand"),
        )


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of paraphrase, expand, translate:zh"):
        parse_how("translate:fr")


def test_a_prompt_that_does_not_fit_is_told() -> None:
    with pytest.raises(ConfigError, match=r"rows\.jsonl:1: the prompt does not fit: 'txt'"):
        units_of(example(chat("a", "b")), PARAPHRASE, "{{ txt }}")
