"""Masks, ledger and prompt parity: what is learnt, and that serving sends what was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from finetune.data.rows import load_rows
from finetune.encode import IGNORE, encode_row, encode_rows, parity_probes
from harness.errors import DataError, TemplateDriftError
from harness.parity import check_proof, write_proof
from harness.prompts import build_prompts, conversation
from harness.suite import load_suite
from harness.templates import ChatTemplate, encode, load_template, render
from harness.training import TrainingRow
from harness.types import Message
from tests.finetune.support import learnt, merging_tokenizer, row, trimming_tokenizer

NAMED = ("alpaca", "chatml", "zh_instruct", "zh_dialog")
NOWHERE = Path("no-model-needed")
END = "<|im_end|>"

SINGLE = row("医生好", "您好。")
TURNS = row("Hello", "How long?", "Two days", "Noted.")
SYSTEM = row("Hello\n\nA note.\n\nMore.", "Two lines\nof it.", system="Be brief.")


def named(name: str) -> ChatTemplate:
    return load_template(name, NOWHERE)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(
    ("conversation", "expected"),
    [
        (SINGLE, ["您好。" + END]),
        (TURNS, ["How long?" + END, "Noted." + END]),
        (SYSTEM, ["Two lines\nof it." + END]),
    ],
    ids=["single", "turns", "system"],
)
def test_only_the_answers_and_their_ends_are_learnt(
    tokenizer: Any, name: str, conversation: TrainingRow, expected: list[str]
) -> None:
    encoded, _, straddling = encode_row(conversation, named(name), tokenizer)

    assert learnt(encoded, tokenizer) == expected
    assert straddling == 0


@pytest.mark.parametrize("name", NAMED)
def test_the_encoded_row_is_the_rendered_text(tokenizer: Any, name: str) -> None:
    encoded, _, _ = encode_row(SYSTEM, named(name), tokenizer)

    text = render(named(name), SYSTEM.messages, tokenizer, for_answer=False)
    assert tokenizer.decode(encoded.input_ids) == text


@pytest.mark.parametrize("name", NAMED)
def test_bos_comes_once_and_is_not_learnt(bos: Any, name: str) -> None:
    encoded, _, _ = encode_row(TURNS, named(name), bos)

    assert encoded.input_ids.count(bos.bos_token_id) == 1
    assert encoded.input_ids[0] == bos.bos_token_id
    assert encoded.labels[0] == IGNORE


def test_an_indent_is_learnt_though_the_tokenizer_trims_its_offset() -> None:
    tokenizer = trimming_tokenizer()
    conversation = row("Code?", "if x:\n    y")

    encoded, _, straddling = encode_row(conversation, named("chatml"), tokenizer)

    assert learnt(encoded, tokenizer) == ["if x:\n    y" + END]
    assert straddling == 0


def test_a_token_across_the_last_border_is_cut_as_serving_cuts_it() -> None:
    tokenizer = merging_tokenizer()
    conversation = row("Hello", "\nYes")
    prompt = render(named("alpaca"), conversation.messages[:1], tokenizer, for_answer=True)
    prompt_ids = encode(tokenizer, prompt)

    encoded, _, straddling = encode_row(conversation, named("alpaca"), tokenizer)

    assert list(encoded.input_ids[: len(prompt_ids)]) == prompt_ids
    assert learnt(encoded, tokenizer) == ["\nYes" + END]
    assert straddling == 1


def test_a_token_across_an_earlier_border_is_counted_and_masked() -> None:
    tokenizer = merging_tokenizer()
    conversation = row("Hello", "\nYes", "Sure?", "Yes")
    prompt = render(named("alpaca"), conversation.messages[:3], tokenizer, for_answer=True)
    prompt_ids = encode(tokenizer, prompt)

    encoded, _, straddling = encode_row(conversation, named("alpaca"), tokenizer)

    assert list(encoded.input_ids[: len(prompt_ids)]) == prompt_ids
    assert learnt(encoded, tokenizer) == ["Yes" + END, "Yes" + END]
    assert straddling == 1


def test_the_proof_of_a_cut_row_holds_at_serving(tmp_path: Path) -> None:
    tokenizer = merging_tokenizer()
    rows = [row("Hello", "\nYes"), row("Hello", "\nYes", "Sure?", "\nYes")]
    write_proof(
        tmp_path / "p.json", named("alpaca"), parity_probes(rows, named("alpaca"), tokenizer)
    )

    checked = check_proof(tmp_path / "p.json", named("alpaca"), tokenizer, adapter="a")

    assert checked == 2


def test_the_ledger_counts_every_row_and_token(tokenizer: Any) -> None:
    # One token per special token, byte-level BPE between; "x", "y" and "\n" are one token each.
    # ChatML: <|im_start|> + role + \n + text + <|im_end|>, with \n between turns.
    n_role = len(encode(tokenizer, "user")), len(encode(tokenizer, "assistant"))
    n_turns = (1 + n_role[0] + 1 + 1 + 1 + 1) + (1 + n_role[1] + 1 + 1 + 1)
    rows = [row("x", "y"), row("x", "y", "x", "y"), row("x" * 200, "y")]

    ledger = encode_rows(
        rows, named("chatml"), tokenizer, max_tokens=2 * n_turns + 1, over_length="drop"
    ).ledger

    assert ledger.model_dump() == {
        "rows": 3,
        "rows_kept": 2,
        "rows_too_long": 1,
        "tokens": 3 * n_turns + 1,
        "loss_tokens": 6,
        "end_tokens": 3,
        "tokens_by_role": {"assistant": 6, "prompt": 3 * n_turns + 1 - 6},
        "straddling_tokens": 0,
        "longest": 2 * n_turns + 1,
    }


def test_a_row_at_the_limit_is_kept(tokenizer: Any) -> None:
    n_tokens = len(encode_row(SINGLE, named("chatml"), tokenizer)[0].input_ids)

    encoding = encode_rows(
        [SINGLE], named("chatml"), tokenizer, max_tokens=n_tokens, over_length="error"
    )

    assert encoding.ledger.longest == n_tokens


def test_a_row_over_the_limit_is_an_error_when_asked(tokenizer: Any) -> None:
    rows = [SINGLE, row("x" * 300, "y")]

    with pytest.raises(DataError, match=r"rows\.jsonl:1: \d+ tokens, the limit is 100; raise max_"):
        encode_rows(rows, named("chatml"), tokenizer, max_tokens=100, over_length="error")


def test_no_row_within_the_limit_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(DataError, match="all 1 rows are longer than max_tokens: 9; raise it"):
        encode_rows([TURNS], named("chatml"), tokenizer, max_tokens=9, over_length="drop")


def test_a_template_that_hides_the_answer_is_an_error(tokenizer: Any) -> None:
    mute = replace(
        named("chatml"),
        name="mute",
        source="{% for m in messages %}{{ m.content if m.role == 'user' }}{% endfor %}",
    )

    with pytest.raises(DataError, match=r"rows\.jsonl:1: no token of this row would be learnt"):
        encode_rows([SINGLE], mute, tokenizer, max_tokens=100, over_length="drop")


def test_a_template_without_an_end_token_is_an_error(tokenizer: Any) -> None:
    endless = replace(
        named("chatml"),
        name="endless",
        source="{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}",
    )

    with pytest.raises(DataError, match="template 'endless' ends a turn without an end token"):
        encode_rows([TURNS], endless, tokenizer, max_tokens=200, over_length="drop")


def test_an_end_token_at_the_last_turn_only_is_an_error(tokenizer: Any) -> None:
    stingy = replace(
        named("chatml"),
        name="stingy",
        source="{{ messages | map(attribute='content') | join('|') }}"
        "{% if add_generation_prompt %}|{% elif loop is not defined and messages | length == 4 %}"
        "{{ eos_token }}{% endif %}",
    )

    with pytest.raises(DataError, match="template 'stingy' ends a turn without an end token"):
        encode_rows([TURNS], stingy, tokenizer, max_tokens=200, over_length="drop")


def test_a_template_that_rewrites_earlier_turns_is_an_error(tokenizer: Any) -> None:
    forgetful = replace(
        named("chatml"), name="forgetful", source="{{ messages[-1].content }}{{ eos_token }}"
    )

    with pytest.raises(DataError, match="template 'forgetful' changes earlier turns"):
        encode_rows([TURNS], forgetful, tokenizer, max_tokens=200, over_length="drop")


SHIPPED = ("clinic-en", "clinic-zh")


@pytest.mark.parametrize("suite", SHIPPED)
@pytest.mark.parametrize("name", NAMED)
def test_training_and_serving_agree_on_every_shipped_row(
    ROOT: Path, tokenizer: Any, suite: str, name: str
) -> None:
    rows = load_rows([ROOT / "suites" / suite / "train" / "build.yaml"])

    assert disagreements(rows, named(name), tokenizer) == []


@pytest.mark.parametrize("suite_name", [*SHIPPED, "retention", "retention-zh"])
@pytest.mark.parametrize("name", NAMED)
def test_every_shipped_prompt_is_served_as_it_would_be_trained(
    ROOT: Path, tokenizer: Any, suite_name: str, name: str
) -> None:
    suite = load_suite(ROOT / "suites" / suite_name)
    answer = Message(role="assistant", content="Yes")
    rows = [
        TrainingRow(messages=(*conversation(suite, record), answer), origin=record.id)
        for record in suite.gold
    ]

    served = build_prompts(suite, suite.gold, named(name), tokenizer)

    trained = parity_probes(rows, named(name), tokenizer, n=len(rows))
    assert [tuple(ids) for _, ids in trained] == [prompt.token_ids for prompt in served]


@pytest.mark.model
@pytest.mark.parametrize("suite", SHIPPED)
@pytest.mark.parametrize("name", [*NAMED, "tokenizer"])
def test_smollm2_trains_on_what_it_is_served(
    ROOT: Path, smollm2: Path, suite: str, name: str
) -> None:
    rows = load_rows([ROOT / "suites" / suite / "train" / "build.yaml"])
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    template = load_template(name, smollm2)

    encoding = encode_rows(rows, template, tokenizer, max_tokens=512, over_length="error")

    assert disagreements(rows, template, tokenizer) == []
    assert encoding.ledger.straddling_tokens == 0


@pytest.mark.model
@pytest.mark.parametrize("suite", SHIPPED)
@pytest.mark.parametrize("name", ["alpaca", "zh_instruct", "zh_dialog"])
def test_gemma_trains_on_what_it_is_served(ROOT: Path, gemma: Path, suite: str, name: str) -> None:
    rows = load_rows([ROOT / "suites" / suite / "train" / "build.yaml"])
    tokenizer = AutoTokenizer.from_pretrained(gemma)

    encoding = encode_rows(rows, named(name), tokenizer, max_tokens=512, over_length="error")

    assert disagreements(rows, named(name), tokenizer) == []
    assert encoding.ledger.straddling_tokens == 0


@pytest.mark.model
def test_gemma_does_not_learn_chatml_whose_end_token_it_lacks(gemma: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(gemma)

    with pytest.raises(DataError, match="template 'chatml' ends a turn without an end token"):
        encode_rows([TURNS], named("chatml"), tokenizer, max_tokens=512, over_length="error")


def test_serving_with_another_template_is_named_with_the_first_other_token(
    tmp_path: Path, tokenizer: Any
) -> None:
    proof = tmp_path / "parity.json"
    write_proof(proof, named("chatml"), parity_probes([TURNS], named("chatml"), tokenizer))

    with pytest.raises(TemplateDriftError) as caught:
        check_proof(proof, named("zh_dialog"), tokenizer, adapter="lora-r4")

    message = str(caught.value)
    assert "adapter 'lora-r4' was trained with template 'chatml'" in message
    assert "serving with 'zh_dialog' gives other tokens (probe 0, token 0: trained on" in message
    assert message.endswith("set `template: chatml` and use the tokenizer it was trained with")


def test_a_drift_late_in_the_prompt_is_named_by_its_token(tmp_path: Path, tokenizer: Any) -> None:
    proof = tmp_path / "parity.json"
    changed = replace(
        named("chatml"), source=named("chatml").source.replace(">assistant", "> assistant")
    )
    probes = parity_probes([SINGLE], named("chatml"), tokenizer)
    write_proof(proof, named("chatml"), probes)
    at = len(probes[0][1]) - len(encode(tokenizer, "assistant\n"))

    with pytest.raises(TemplateDriftError, match=rf"probe 0, token {at}: trained on '"):
        check_proof(proof, changed, tokenizer, adapter="a")


def test_another_tokenizer_is_drift_too(tmp_path: Path, tokenizer: Any, bos: Any) -> None:
    proof = tmp_path / "parity.json"
    write_proof(proof, named("alpaca"), parity_probes([SINGLE], named("alpaca"), tokenizer))

    with pytest.raises(TemplateDriftError, match="token 0: trained on"):
        check_proof(proof, named("alpaca"), bos, adapter="a")


@pytest.mark.parametrize(("n_rows", "n_probes"), [(1, 1), (15, 15), (16, 16), (500, 16)])
def test_probes_are_spread_over_the_rows(tokenizer: Any, n_rows: int, n_probes: int) -> None:
    rows = [row(f"Question {i}", "y") for i in range(n_rows)]

    probes = parity_probes(rows, named("chatml"), tokenizer)

    assert len(probes) == n_probes
    assert len({messages[0].content for messages, _ in probes}) == n_probes


def disagreements(rows: list[TrainingRow], template: ChatTemplate, tokenizer: Any) -> list[str]:
    """Return the rows whose prompt, as trained, is not the prompt that serving would send."""
    trained = parity_probes(rows, template, tokenizer, n=len(rows))
    served: Callable[[Any], list[int]] = lambda messages: encode(  # noqa: E731
        tokenizer, render(template, messages, tokenizer, for_answer=True)
    )
    return [
        row.origin
        for row, (messages, ids) in zip(rows, trained, strict=True)
        if ids != served(messages)
    ]
