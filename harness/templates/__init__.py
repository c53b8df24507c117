"""Chat and instruction templates: one source of the prompt text for training and for serving.

A template is a Jinja file beside this one, or the model's own (`tokenizer`). For the instruction
layouts, a user turn is split at its first blank line: instruction before, input after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.digest import digest_of
from harness.errors import ModelError, UnknownNameError
from harness.types import Message

OWN = "tokenizer"
STOPS: Mapping[str, tuple[str, ...]] = {
    "alpaca": ("### Instruction:",),
    "chatml": ("<|im_end|>",),
    "zh_instruct": ("### 指令", "### 输入"),
    "zh_dialog": ("用户：",),
}
"""Named templates, and the strings that end an answer of a model that did not learn to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate:
    """How a conversation becomes text."""

    name: str
    source: str
    """Jinja; sees messages, add_generation_prompt, bos, bos_token and eos_token."""
    stop: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Hash of everything that decides the text."""
        return digest_of([self.source, list(self.stop)])


def load_template(name: str, model_folder: Path) -> ChatTemplate:
    """Return a named template, or the model's own for "tokenizer".

    Raises:
        UnknownNameError: no such template.
        ModelError: the model has no chat template of its own.
    """
    if name == OWN:
        return ChatTemplate(name=OWN, source=_own_source(model_folder), stop=())
    if name not in STOPS:
        raise UnknownNameError("template", name, [OWN, *STOPS])
    source = (Path(__file__).parent / f"{name}.jinja").read_text(encoding="utf-8")
    return ChatTemplate(name=name, source=source.removesuffix("\n"), stop=STOPS[name])


def render(
    template: ChatTemplate, messages: Sequence[Message], tokenizer: Any, *, for_answer: bool
) -> str:
    """Return the text of a conversation.

    Args:
        template: The layout.
        messages: Turns, oldest first.
        tokenizer: A transformers tokenizer; gives the special tokens.
        for_answer: End where the assistant's next turn begins.
    """
    return tokenizer.apply_chat_template(
        [message.model_dump() for message in messages],
        chat_template=template.source,
        tokenize=False,
        add_generation_prompt=for_answer,
        bos=bos_text(tokenizer),
    )


def encode(tokenizer: Any, text: str) -> list[int]:
    """Tokenise rendered text; the template has already put every special token there."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def bos_text(tokenizer: Any) -> str:
    """Return the begin-of-sequence token for models that were trained with one, else "".

    Gemma needs it even where a converted tokenizer has lost the setting: without it the model
    babbles. ChatML models such as SmolLM2 name a BOS token but never saw it alone.
    """
    bos = tokenizer.bos_token
    if bos is None:
        return ""
    adds_it = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    return bos if adds_it or "gemma" in type(tokenizer).__name__.lower() else ""


def _own_source(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.exists():
        return file.read_text(encoding="utf-8")
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    source = config.get("chat_template")
    if isinstance(source, list):  # several named templates: the default one
        source = next((item["template"] for item in source if item["name"] == "default"), None)
    if not isinstance(source, str):
        raise ModelError(
            f"{folder.name}: this model has no chat template of its own (a base model?); "
            f"set `template:` to one of: {', '.join(STOPS)}"
        )
    return source
