"""Fakes for the harness tests: small suites, a character tokenizer, an engine that echoes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from harness import runner
from harness.engines.base import Answer, EngineSettings, Request
from harness.models import ModelSource
from harness.registry import ENGINES
from harness.runner import Serving
from harness.templates import load_template
from harness.types import Completion, GoldRecord

SUITE_YAML = """\
name: toy
version: "1"
language: en
description: Four questions.
tasks:
  qa:
    metrics: [exact_match, token_f1]
    max_tokens: 8
  pick:
    type: multiple_choice
    metrics: [accuracy, acc_norm]
"""

GOLD: tuple[dict[str, Any], ...] = (
    {"id": "q1", "task": "qa", "input": "Capital of France?", "references": ["Paris"]},
    {"id": "q2", "task": "qa", "input": "Capital of Japan?", "references": ["Tokyo", "Tōkyō"]},
    {"id": "q3", "task": "qa", "input": "Capital of Peru?", "references": ["Lima"]},
    {"id": "p1", "task": "pick", "input": "2 + 2 =", "choices": [" 4", " five"], "answer": 0},
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache of models and digests."""
    monkeypatch.setenv("TUNEMARK_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def jsonl() -> Callable[[Sequence[Mapping[str, object]]], str]:
    return _jsonl


@pytest.fixture
def suite_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of suite folders: text of suite.yaml and rows (or text) of gold.jsonl."""

    def make(
        yaml: str = SUITE_YAML,
        gold: Sequence[Mapping[str, object]] | str = GOLD,
        *,
        folder: str = "suite",
    ) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True, exist_ok=True)
        (path / "suite.yaml").write_text(yaml, encoding="utf-8")
        text = gold if isinstance(gold, str) else _jsonl(gold)
        (path / "gold.jsonl").write_text(text, encoding="utf-8")
        return path

    return make


@pytest.fixture
def safetensors() -> Callable[[Path, Mapping[str, Sequence[int]]], None]:
    """Return a writer of safetensors files that have a header and zeros."""
    return _write_safetensors


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A model with one layer of 8 inputs and a ChatML template, and no weights worth the name."""
    folder = tmp_path / "tiny-model"
    folder.mkdir()
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}', encoding="utf-8")
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}",
        encoding="utf-8",
    )
    _write_safetensors(folder / "model.safetensors", {"layers.0.q.weight": (8, 8)})
    return folder


@pytest.fixture
def adapter_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of LoRA adapter folders that fit `model_folder`."""

    def make(
        name: str = "adapter", *, rank: int = 4, inputs: int = 8, layer: str = "layers.0.q"
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        config = {"peft_type": "LORA", "r": rank}
        (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        prefix = f"base_model.model.{layer}"
        shapes = {f"{prefix}.lora_A.weight": (rank, inputs), f"{prefix}.lora_B.weight": (8, rank)}
        _write_safetensors(folder / "adapter_model.safetensors", shapes)
        return folder

    return make


class CharacterTokenizer:
    """One token per character; the token's number is the character's code point."""

    bos_token = None
    bos_token_id = None
    eos_token = "<end>"
    eos_token_id = 0

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))

    def apply_chat_template(
        self, messages: Sequence[Mapping[str, str]], *, chat_template: str, **variables: Any
    ) -> str:
        variables.pop("tokenize")
        template = jinja2.Template(chat_template)
        return template.render(messages=messages, eos_token=self.eos_token, **variables)


class EchoEngine:
    """Answers with a stored text per gold id, and keeps what it was asked."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        """By gold id; "right" when absent."""
        self.failing: set[str] = set()
        """Gold ids that are answered with an error."""
        self.inert: set[str] = set()
        """Adapters, by name, that do not change the base."""
        self.doubled_bos = False
        self.crash_after: int | None = None
        self.requests: list[Request] = []
        self.settings: list[EngineSettings] = []
        self.closed = 0

    def load(self, settings: EngineSettings) -> EchoEngine:
        self.settings.append(settings)
        return self

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for number, request in enumerate(requests):
            if number == self.crash_after:
                raise RuntimeError("the engine died")
            self.requests.append(request)
            yield self._answer(request)

    def _answer(self, request: Request) -> Answer:
        gold_id = request.key.rpartition("/")[2]
        seen = (1, *request.prompt_ids) if self.doubled_bos else request.prompt_ids
        if gold_id in self.failing:
            return Answer(key=request.key, finish="error", prompt_ids=seen, error="out of luck")
        shift = 0.5 if request.adapter and request.adapter.name not in self.inert else 0.0
        logprobs = tuple(-1.0 - i - shift for i in range(len(request.choice_ids)))
        return Answer(
            key=request.key,
            text=self.texts.get(gold_id, "right"),
            finish="stop",
            prompt_ids=seen,
            completion_tokens=2,
            choice_logprobs=logprobs or None,
        )

    def close(self) -> None:
        self.closed += 1

    def items_asked(self) -> list[str]:
        return [r.key for r in self.requests if r.key.count("/") == 2 and "canary" not in r.key]


@pytest.fixture
def tokenizer() -> Any:
    return CharacterTokenizer()


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An engine called "echo" that answers at once, with a tokenizer of characters."""
    engine = EchoEngine()
    import sys

    monkeypatch.setitem(sys.modules, "echo_engine", SimpleNamespace(load=engine.load))  # pyright: ignore[reportArgumentType] - any object with attributes is a module to importlib
    monkeypatch.setitem(ENGINES, "echo", "echo_engine:load")  # pyright: ignore[reportArgumentType] - a dict at run time
    monkeypatch.setattr(runner, "load_tokenizer", lambda model: CharacterTokenizer())
    return engine


@pytest.fixture
def serving(model_folder: Path) -> Serving:
    return Serving(
        model=ModelSource(name="tiny", path=model_folder, digest="d" * 64),
        template=load_template("tokenizer", model_folder),
        engine="echo",
    )


@pytest.fixture
def gold() -> Callable[..., GoldRecord]:
    """Return a maker of gold records from references or choices."""

    def make(*references: str, **fields: Any) -> GoldRecord:
        values = {"id": "g", "task": "t", "input": "?", "references": references, **fields}
        return GoldRecord.model_validate(values)

    return make


@pytest.fixture
def said() -> Callable[[str], Completion]:
    """Return a maker of completions from a text."""
    return lambda text: Completion(gold_id="g", text=text, finish="stop", prompt_tokens=1)


def _jsonl(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_safetensors(file: Path, shapes: Mapping[str, Sequence[int]]) -> None:
    header: dict[str, object] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * shape[0] * shape[1]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
