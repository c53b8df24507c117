"""Plain transformers generation: the reference engine, batched by length, adapters by peft."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engines.base import Answer, EngineSettings, Request, choice_score
from harness.errors import MissingExtraError
from harness.machine import this_machine
from harness.quiet import quieten
from harness.types import Adapter

BATCH = 32
"""Prompts that are continued together."""
SCORE_BATCH = 128
"""Choices that are scored together, at most …"""
LOGITS = 2**28
"""… and numbers that their logits may have together (1 GiB in float32)."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One choice of a request."""

    request: Request
    part: int

    @property
    def context(self) -> tuple[int, ...]:
        return self.request.context(self.part)

    @property
    def choice(self) -> tuple[int, ...]:
        return self.request.choice_ids[self.part]


class TransformersEngine:
    """Serve a base model and its adapters with `generate`, one variant at a time."""

    def __init__(self, settings: EngineSettings) -> None:
        quieten()
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
            from transformers.utils.logging import disable_progress_bar
        except ImportError:
            raise MissingExtraError("engine 'transformers'", "hf") from None
        disable_progress_bar()
        self._device = "cuda" if this_machine().gpus else "cpu"
        name = settings.dtype
        if name == "auto":
            name = "float32" if self._device == "cpu" else "bfloat16"
        self._tokenizer: Any = AutoTokenizer.from_pretrained(settings.model)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            settings.model, dtype=getattr(torch, name)
        )
        self._model: Any = loaded.to(self._device).eval()
        for adapter in settings.adapters:
            self._attach(adapter)

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield answers batch by batch; see Engine."""
        import torch

        groups: dict[object, list[Request]] = {}
        for request in requests:
            kind = (request.adapter, request.sampling, bool(request.choice_ids))
            groups.setdefault(kind, []).append(request)
        for group in groups.values():
            group.sort(key=lambda request: len(request.prompt_ids))
            with torch.inference_mode(), self._variant(group[0].adapter):
                if group[0].choice_ids:
                    yield from self._score(group)
                    continue
                for start in range(0, len(group), BATCH):
                    yield from self._generate(group[start : start + BATCH])

    def close(self) -> None:
        """Drop the model."""
        self._model = None

    def _attach(self, adapter: Adapter) -> None:
        from peft import PeftModel

        if isinstance(self._model, PeftModel):
            self._model.load_adapter(str(adapter.path), adapter_name=adapter.digest)
        else:
            self._model = PeftModel.from_pretrained(
                self._model, str(adapter.path), adapter_name=adapter.digest
            )
        self._model.eval()

    def _variant(self, adapter: Adapter | None) -> Any:
        """Return a context in which the model is the base, or the base with one adapter."""
        from contextlib import nullcontext

        if adapter is not None:
            self._model.set_adapter(adapter.digest)
            return nullcontext()
        return (
            self._model.disable_adapter()
            if hasattr(self._model, "disable_adapter")
            else nullcontext()
        )

    def _generate(self, batch: Sequence[Request]) -> Iterator[Answer]:
        import torch

        start = time.monotonic()
        sampling = batch[0].sampling
        ids, mask = self._pad([list(request.prompt_ids) for request in batch])
        options: dict[str, Any] = {"do_sample": sampling.temperature > 0}
        if sampling.temperature > 0:
            torch.manual_seed(sampling.seed)
            options |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
        if sampling.stop:
            options |= {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        output = self._model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=sampling.max_tokens,
            pad_token_id=self._pad_id,
            **options,
        )
        seconds = time.monotonic() - start
        for request, row in zip(batch, output[:, ids.shape[1] :].tolist(), strict=True):
            yield self._finish(request, row, seconds)

    def _finish(self, request: Request, row: list[int], seconds: float) -> Answer:
        """Cut a generated row at the end token or a stop string, as vLLM reports it."""
        end = next((i for i, token in enumerate(row) if token in self._end_ids), None)
        tokens = row if end is None else row[:end]
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        cuts = [text.find(stop) for stop in request.sampling.stop if stop in text]
        if cuts:
            text = text[: min(cuts)]
        return Answer(
            key=request.key,
            text=text,
            finish="stop" if end is not None or cuts else "length",
            prompt_ids=request.prompt_ids,
            completion_tokens=len(tokens) + (end is not None),
            seconds=seconds,
        )

    def _score(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Score the choices of all requests, as many at once as memory allows."""
        start = time.monotonic()
        rows = [_Row(request, part) for request in requests for part in range(request.n_parts)]
        rows.sort(key=lambda row: len(row.context) + len(row.choice))
        found: dict[str, dict[int, tuple[float, bool]]] = {}
        for batch in self._batches(rows):
            for row, score in zip(batch, self._score_rows(batch), strict=True):
                parts = found.setdefault(row.request.key, {})
                parts[row.part] = score
                if len(parts) == row.request.n_parts:
                    scores = [parts[part] for part in range(row.request.n_parts)]
                    yield Answer(
                        key=row.request.key,
                        finish="stop",
                        prompt_ids=row.request.prompt_ids,
                        choice_logprobs=tuple(logprob for logprob, _ in scores),
                        choice_greedy=tuple(is_greedy for _, is_greedy in scores),
                        seconds=time.monotonic() - start,
                    )

    def _batches(self, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
        """Yield rows of similar length whose logits fit the budget together."""
        vocabulary = int(self._model.config.get_text_config().vocab_size)
        batch: list[_Row] = []
        keep = 0
        for row in rows:
            wider = max(keep, len(row.choice))
            is_full = len(batch) == SCORE_BATCH or (len(batch) + 1) * wider * vocabulary > LOGITS
            if batch and is_full:
                yield batch
                batch, wider = [], len(row.choice)
            batch.append(row)
            keep = wider
        if batch:
            yield batch

    def _score_rows(self, rows: Sequence[_Row]) -> Iterator[tuple[float, bool]]:
        """Yield each row's log-likelihood, and whether greedy decoding would give it."""
        import torch

        # The last token is scored, never read.
        ids, mask = self._pad([[*row.context, *row.choice][:-1] for row in rows])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        keep = max(len(row.choice) for row in rows)
        logits = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=keep
        ).logits
        for i, row in enumerate(rows):
            steps = logits[i, -len(row.choice) :].float()
            wanted = torch.tensor(row.choice, device=steps.device)
            picked = steps.gather(1, wanted.unsqueeze(1)).squeeze(1) - steps.logsumexp(-1)
            is_greedy = bool((steps.argmax(-1) == wanted).all())
            yield choice_score(picked.tolist()), is_greedy

    def _pad(self, rows: Sequence[list[int]]) -> tuple[Any, Any]:
        """Pad on the left, so that every row ends where generation starts."""
        import torch

        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), self._pad_id)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
        return ids.to(self._device), mask.to(self._device)

    @property
    def _pad_id(self) -> int:
        pad = self._tokenizer.pad_token_id
        return pad if pad is not None else self._tokenizer.eos_token_id

    @property
    def _end_ids(self) -> set[int]:
        config = self._model.generation_config.eos_token_id
        ends = config if isinstance(config, list) else [config]
        return {int(end) for end in [*ends, self._tokenizer.eos_token_id] if end is not None}
