"""Tiny tokenizers, a tiny random Llama, and training runs made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from finetune.encode import IGNORE, EncodedRow
from finetune.plan import plan_training
from harness.digest import files_digest
from harness.models import ModelSource
from harness.store import read_lines
from harness.templates import load_template
from harness.training import PlannedTraining, TrainingRow
from harness.types import Message

CORPUS = (
    "What is the maximum dose of Quelvadine at Harrow Lane? two tablets a day",
    "Below is an instruction that describes a task. ### Instruction: ### Input: ### Response:",
    "维洛林片的适应症是什么？偏头痛。请用一句话概括这份就诊记录。### 指令：### 输入：### 回答：用户：助手：",
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

WEIGHTS = "adapter_model.safetensors"

Maker = Callable[..., PlannedTraining]
"""Makes a prepared training of given rows (ROWS by default) and settings."""


def small_tokenizer() -> Any:
    """Return a byte-level BPE of 500 tokens whose EOS and padding are <|im_end|>, as in SmolLM2."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=SPECIAL[1], eos_token=SPECIAL[2], pad_token=SPECIAL[2]
    )


def bos_tokenizer() -> Any:
    """Return a tokenizer that begins every text with <bos> and ends answers with <eos>."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<pad>", "<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(CORPUS, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>"
    )


def merging_tokenizer() -> Any:
    """Return a tokenizer of bytes that knows one pair: two newlines are one token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {character: i for i, character in enumerate([*alphabet, "ĊĊ"])}
    core = Tokenizer(models.BPE(vocab=vocab, merges=[("Ċ", "Ċ")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=SPECIAL[1], eos_token=SPECIAL[2]
    )


def trimming_tokenizer() -> Any:
    """Return the merging tokenizer with spaces trimmed off its offsets, as Llama 3 has it."""
    tokenizer = merging_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def tiny_model(tokenizer: Any) -> LlamaForCausalLM:
    """Return a random Llama of 2 layers and width 32, the same every time."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).eval()


def row(*turns: str, system: str | None = None) -> TrainingRow:
    """Return a conversation of turns that alternate between user and assistant."""
    roles = ("user", "assistant") * len(turns)
    messages = [Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=False)]
    head = [Message(role="system", content=system)] if system is not None else []
    return TrainingRow(messages=(*head, *messages), origin="rows.jsonl:1")


def rows_of_all_lengths(n: int) -> list[TrainingRow]:
    """Return rows whose questions and answers differ in length, to be learnt by heart."""
    return [
        row(f"Question {i}" + " and more" * (i % 5) + "?", f"Answer {i % 3}" + " yes" * (i % 4))
        for i in range(n)
    ]


ROWS = tuple(rows_of_all_lengths(40))


def learnt(encoded: EncodedRow, tokenizer: Any) -> list[str]:
    """Return the texts that count in the loss, one for each unbroken run of labels."""
    runs = groupby(encoded.labels, key=lambda label: label != IGNORE)
    return [tokenizer.decode(list(labels)) for counts, labels in runs if counts]


def write_rows(file: Path, rows: Sequence[TrainingRow]) -> Path:
    """Write rows as a message file."""
    lines = [row.model_dump_json(include={"messages"}) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def plan(root: Path, model: Path, rows: Sequence[TrainingRow], **train: Any) -> PlannedTraining:
    """Return a prepared training run of the tiny model; `train` overrides its configuration."""
    root.mkdir(parents=True, exist_ok=True)
    values = {
        "data": str(write_rows(root / "rows.jsonl", rows)),
        "dtype": "float32",
        "batch": 4,
        "micro_batch": 4,
        "learning_rate": 5e-3,
        "epochs": 2,
        "lora": {"r": 4, "alpha": 8},
        **train,
    }
    planned = plan_training(
        "tiny",
        values,
        base_folder=root,
        model=ModelSource(name="tiny", path=model, digest="d" * 64),
        template=load_template("chatml", model),
        root=root / "runs",
        where="study.yaml: tiny",
    )
    planned.prepare()
    return planned


def adapter_digest(planned: PlannedTraining) -> str:
    return files_digest(planned.adapter, ["adapter_config.json", WEIGHTS])


def history(planned: PlannedTraining) -> list[dict[str, Any]]:
    """The events that say what was learnt, without times and memory."""
    kept = ("event", "step", "epoch", "loss", "learning_rate")
    rows = read_lines(planned.folder.path / "events.jsonl")
    return [
        {key: row[key] for key in kept if key in row} for row in rows if row["event"] != "session"
    ]
