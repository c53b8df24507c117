"""Settings that usually go wrong, each with its reason and its source.

Pure: a training's settings and a few facts in, findings out. Advice, not law: only what the server
would refuse outright is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["note", "warning", "error"]

SERVED_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM accepts as max_lora_rank (MaxLoRARanks in vllm/config/lora.py)."""
BATCHES = (4, 512)
EPOCHS = 3
SMALL = 1e9
"""Parameters below which higher learning rates are usual."""
LION = 10.0
"""How many times smaller Lion's learning rate may be than AdamW's; 3 to 10 is usual."""
REWRITING = frozenset({"pissa", "olora", "loftq", "corda"})
SERVABLE_MODULES = frozenset({"classifier", "score"})
MLP = ("mlp", "gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "w1", "w2", "w3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known beside the settings; None where it is not known."""

    n_parameters: int | None = None
    context: int | None = None
    """Tokens that the model can read."""
    has_chat_template: bool | None = None
    """Whether the model brings a chat template: then it is a chat model."""
    template: str = "tokenizer"
    """The layout that it is trained with."""
    engine: str = "vllm"
    lora_mode: str = "auto"
    """How adapters are served: "merged" adds them to a copy of the base."""
    sources: tuple[str, ...] = ()
    """Paths of the training data."""
    gold_files: tuple[str, ...] = ()
    """Training files that are gold sets of the suites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to think about."""

    lint: str
    severity: Severity
    text: str
    source: str
    """Where the advice comes from, in words."""

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.severity}: {self.text} [{self.source}]"


def lint_training(train: Mapping[str, Any], facts: Facts) -> tuple[Finding, ...]:
    """Return what there is to say about a `train:` mapping, errors first.

    Args:
        train: Resolved settings; those that are missing are not judged.
        facts: Of the model, the data and the server.
    """
    found = [
        *_schedule(train),
        *_learning_rate(train, facts),
        *_adapter(train),
        *_data(train, facts),
        *_serving(train, facts),
        *_template(train, facts),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda finding: order[finding.severity]))


def _schedule(train: Mapping[str, Any]) -> Iterator[Finding]:
    batch, epochs = train.get("batch"), train.get("epochs")
    low, high = BATCHES
    if isinstance(batch, int) and batch < low:
        yield Finding(
            lint="batch",
            severity="note",
            text=f"batch {batch} is below {low}: steps are noisy; accumulation costs no memory, so "
            "raise `batch` and keep `micro_batch`",
            source="McCandlish et al. 2018, An Empirical Model of Large-Batch Training",
        )
    if isinstance(batch, int) and batch > high:
        yield Finding(
            lint="batch",
            severity="note",
            text=f"batch {batch} is above {high}: few steps for the data, and LoRA loses more by "
            "large batches than full training; 16 to 128 is a usual start",
            source="Schulman et al. 2025, LoRA Without Regret",
        )
    if isinstance(epochs, int | float) and epochs > EPOCHS:
        yield Finding(
            lint="epochs",
            severity="note",
            text=f"{epochs} epochs: beyond {EPOCHS} a model mostly learns its rows by heart; watch "
            "the held-out loss and the retention suites",
            source="Ouyang et al. 2022 (InstructGPT): held-out loss rises after the first epoch of "
            "supervised fine-tuning",
        )


def learning_rates(train: Mapping[str, Any], n_parameters: int | None) -> tuple[float, float]:
    """Return the usual range of learning rates for the method, the optimizer and the size."""
    is_small = n_parameters is not None and n_parameters < SMALL
    if train.get("method") == "full":
        low, high = (1e-6, 3e-4) if is_small else (1e-6, 1e-4)
    else:
        low, high = (1e-4, 3e-3) if is_small else (5e-5, 1e-3)
    if "lion" in str(train.get("optimizer", "")):
        return low / LION, high / 3
    return low, high


def _learning_rate(train: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    rate = train.get("learning_rate")
    if not isinstance(rate, int | float):
        return
    low, high = learning_rates(train, facts.n_parameters)
    if low <= rate <= high:
        return
    method = str(train.get("method", "lora"))
    lion = "; Lion's are 3 to 10 times smaller than AdamW's (Chen et al. 2023)"
    is_lion = "lion" in str(train.get("optimizer", ""))
    side = "below" if rate < low else "above"
    what = "the model may hardly change" if rate < low else "it may forget or diverge"
    yield Finding(
        lint="learning_rate",
        severity="note",
        text=f"learning_rate {rate:g} is {side} the usual {low:g} to {high:g} for method {method}"
        f"{lion if is_lion else ''}: {what}",
        source="Schulman et al. 2025, LoRA Without Regret: the best rate for LoRA is about ten "
        "times that of full training; Dettmers et al. 2023 (QLoRA) use 1e-4 to 2e-4",
    )


def _adapter(train: Mapping[str, Any]) -> Iterator[Finding]:
    if train.get("method") == "full":
        return
    targets = _lora(train).get("targets", "all-linear")
    names = (targets,) if isinstance(targets, str) else tuple(targets or ())
    is_all = any(name in {"all-linear", "all"} for name in names)
    is_regex = any(set(name) & set("*|()[]^$\\") for name in names)
    if names and not is_all and not is_regex and not any(_is_mlp(name) for name in names):
        yield Finding(
            lint="targets",
            severity="note",
            text=f"lora.targets {', '.join(names)}: attention alone learns less than the MLP alone "
            "with as many parameters; all-linear is the better start",
            source="Schulman et al. 2025, LoRA Without Regret; Dettmers et al. 2023 (QLoRA), who "
            "need all layers to match full training",
        )


def _is_mlp(name: str) -> bool:
    plain = name.lower()
    return any(plain == part or part in plain.split(".") for part in MLP) or "h_to" in plain


def _data(train: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    for file in facts.gold_files:
        yield Finding(
            lint="gold",
            severity="warning",
            text=f"{file} is a gold set of this study: what is trained on cannot be measured with",
            source="Sainz et al. 2023, NLP Evaluation in Trouble",
        )
    if train.get("general"):
        return
    if facts.sources and not any(_is_general(path) for path in facts.sources):
        yield Finding(
            lint="mix",
            severity="note",
            text="no general data in the mix: part of the old abilities goes; add some general "
            "instructions, or let a retention suite show what it costs",
            source="Luo et al. 2023, An Empirical Study of Catastrophic Forgetting in Large "
            "Language Models During Continual Fine-tuning",
        )


def _is_general(path: str) -> bool:
    words = ("general", "replay", "retention", "alpaca", "ultrachat", "tulu", "oasst", "通用")
    return any(word in path.lower() for word in words)


def _serving(train: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    if train.get("method") == "full" or facts.engine != "vllm":
        return
    lora = _lora(train)
    rank = lora.get("r")
    is_merged = facts.lora_mode == "merged" or bool(train.get("merge"))
    # A trainer that can merge does so by itself where serving needs it, unless told not to.
    can_merge = "merge" in train and train["merge"] is not False
    if isinstance(rank, int) and rank > SERVED_RANKS[-1]:
        yield _unservable(
            "rank",
            f"lora.r {rank} is above {SERVED_RANKS[-1]}, the largest that vLLM serves",
            "vLLM, MaxLoRARanks in its LoRAConfig",
            is_refused=not (is_merged or can_merge),
        )
    elif isinstance(rank, int) and rank not in SERVED_RANKS and not is_merged:
        above = next(served for served in SERVED_RANKS if served > rank)
        yield Finding(
            lint="rank",
            severity="note",
            text=f"lora.r {rank} is served as {above}: vLLM's ranks are "
            f"{', '.join(map(str, SERVED_RANKS))}, so {above} costs the same to serve",
            source="vLLM, MaxLoRARanks in its LoRAConfig",
        )
    is_refused = train.get("merge") is False or (facts.lora_mode == "multi" and not can_merge)
    if lora.get("init") in REWRITING:
        yield _unservable(
            "init",
            f"lora.init {lora['init']} changes the base's weights, and vLLM refuses its adapters",
            "vLLM, PEFTHelper: inits that modify the base model",
            is_refused=is_refused,
        )
    if train.get("method") == "dora" or lora.get("dora"):
        source = "vLLM, PEFTHelper: “vLLM does not yet support DoRA”"
        yield _unservable("dora", "vLLM serves no DoRA adapters", source, is_refused=is_refused)
    saved = lora.get("modules_to_save") or train.get("modules_to_save") or ()
    saved = (saved,) if isinstance(saved, str) else tuple(saved)
    refused = [name for name in saved if name not in SERVABLE_MODULES]
    if refused:
        yield _unservable(
            "modules_to_save",
            f"vLLM serves no adapter with modules_to_save ({', '.join(refused)})",
            "vLLM, PEFTHelper: modules_to_save must be None",
            is_refused=is_refused,
        )

    if train.get("trainable_tokens") or lora.get("trainable_tokens"):
        yield _unservable(
            "trainable_tokens",
            "vLLM serves no adapter with trained token rows",
            "vLLM, parse_fine_tuned_lora_name: it reads lora_A and lora_B only",
            is_refused=is_refused,
        )


def _unservable(lint: str, text: str, source: str, *, is_refused: bool) -> Finding:
    if is_refused:
        how = "; change it, or have it merged"
        return Finding(lint=lint, severity="error", text=text + how, source=source)
    how = "; it can only be served merged into a copy of the base"
    return Finding(lint=lint, severity="warning", text=text + how, source=source)


def _template(train: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    tokens = train.get("max_tokens")
    if isinstance(tokens, int) and facts.context is not None and tokens > facts.context:
        yield Finding(
            lint="context",
            severity="warning",
            text=f"max_tokens {tokens} is beyond the {facts.context} tokens that the model reads: "
            "later positions were never trained",
            source="the model's config.json",
        )
    if facts.has_chat_template and facts.template != "tokenizer":
        yield Finding(
            lint="template",
            severity="note",
            text=f"a chat model trained with the layout {facts.template!r}, not its own: it has to "
            "unlearn one format for the other; `template: tokenizer` keeps what it knows",
            source="LLaMA-Factory issue 2509: 26 % against 57 % accuracy by the template alone",
        )
    saved = _lora(train).get("modules_to_save") or train.get("modules_to_save")
    rows = train.get("trainable_tokens") or _lora(train).get("trainable_tokens")
    is_base = facts.has_chat_template is False
    if is_base and facts.template == "chatml" and not saved and not rows:
        yield Finding(
            lint="template",
            severity="note",
            text="a base model trained with ChatML: it never saw <|im_start|> and <|im_end|>, and "
            "LoRA does not train their embeddings; choose a layout in plain words (alpaca, "
            "zh_instruct), a chat model, or train those rows (trainable_tokens)",
            source="Qwen's README: with a base model the embeddings and the head are trained too, "
            "because the tokens of the chat format are new to it",
        )


def _lora(train: Mapping[str, Any]) -> Mapping[str, Any]:
    lora = train.get("lora")
    return lora if isinstance(lora, Mapping) else {}
