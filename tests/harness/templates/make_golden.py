"""Write the golden texts and tokens; the layouts are written out here a second time, in Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from harness.models import resolve_model
from harness.types import Message
from tests.harness.templates.conversations import CASES, CHINESE, ENGLISH, conversation

GOLDEN = Path(__file__).parent / "golden"
BORDER = "‸"

ALPACA_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
)
ALPACA_ALONE = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
)
SMOLLM2_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A tokenizer of the golden files."""

    model: str
    bos: str
    eos: str
    templates: tuple[str, ...]


FAMILIES: Mapping[str, Family] = {
    "smollm2": Family(
        model="smollm2-135m-instruct", bos="", eos="<|im_end|>", templates=(*ENGLISH, *CHINESE)
    ),
    "gemma": Family(model="gemma-3-270m", bos="<bos>", eos="<eos>", templates=("alpaca", *CHINESE)),
}

Layout = Callable[[Sequence[Message], str], tuple[str, str]]


def chatml(turns: Sequence[Message], eos: str) -> tuple[str, str]:
    """Return prompt and answer; ChatML ends turns by its own token, whatever EOS is."""
    del eos
    *earlier, answer = turns
    blocks = [f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in earlier]
    return "".join(blocks) + "<|im_start|>assistant\n", answer.content + "<|im_end|>"


def own(turns: Sequence[Message], eos: str) -> tuple[str, str]:
    """Return SmolLM2's layout: ChatML with a system turn always, and a last newline."""
    default = Message(role="system", content=SMOLLM2_SYSTEM)
    prompt, answer = chatml(turns if turns[0].role == "system" else [default, *turns], eos)
    return prompt, answer + "\n"


def alpaca(turns: Sequence[Message], eos: str) -> tuple[str, str]:
    """Return Stanford Alpaca's prompts; a system turn takes the place of the preamble."""
    text = ""
    for number, turn in enumerate(turns[:-1]):
        if turn.role == "assistant":
            text += turn.content + eos + "\n\n"
        elif turn.role == "system":
            text += turn.content + "\n\n"
        else:
            instruction, _, given = turn.content.partition("\n\n")
            text += (ALPACA_INPUT if given else ALPACA_ALONE) if number == 0 else ""
            text += f"### Instruction:\n{instruction}\n\n"
            text += f"### Input:\n{given}\n\n" if given else ""
            text += "### Response:\n"
    return text, turns[-1].content + eos


def zh_instruct(turns: Sequence[Message], eos: str) -> tuple[str, str]:
    """Return `### 指令：… ### 输入：… ### 回答：…`, on one line a turn."""
    text = ""
    for turn in turns[:-1]:
        if turn.role == "assistant":
            text += turn.content + eos + "\n"
        elif turn.role == "system":
            text += turn.content + "\n"
        else:
            instruction, _, given = turn.content.partition("\n\n")
            middle = f" ### 输入：{given}" if given else ""
            text += f"### 指令：{instruction}{middle} ### 回答："
    return text, turns[-1].content + eos


def zh_dialog(turns: Sequence[Message], eos: str) -> tuple[str, str]:
    """Return `用户：…` and `助手：…`, a line each."""
    heads = {"system": "", "user": "用户：", "assistant": "助手："}
    ends = {"system": "\n", "user": "\n", "assistant": eos + "\n"}
    text = "".join(heads[turn.role] + turn.content + ends[turn.role] for turn in turns[:-1])
    return text + "助手：", turns[-1].content + eos


LAYOUTS: Mapping[str, Layout] = {
    "alpaca": alpaca,
    "chatml": chatml,
    "tokenizer": own,
    "zh_instruct": zh_instruct,
    "zh_dialog": zh_dialog,
}


def main() -> None:
    """Write all files."""
    for name, family in FAMILIES.items():
        tokenizer = Tokenizer.from_file(str(resolve_model(family.model).path / "tokenizer.json"))
        tokens: dict[str, dict[str, list[int]]] = {}
        for template in family.templates:
            for case in CASES:
                prompt, answer = LAYOUTS[template](conversation(template, case), family.eos)
                prompt = family.bos + prompt
                file = GOLDEN / "texts" / name / f"{template}-{case}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(prompt + BORDER + answer, encoding="utf-8")
                ids = tokenizer.encode(prompt, add_special_tokens=False).ids
                whole = tokenizer.encode(prompt + answer, add_special_tokens=False).ids
                tokens[f"{template}-{case}"] = {"prompt": ids, "answer": whole[len(ids) :]}
        lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in tokens.items()]
        file = GOLDEN / "tokens" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
