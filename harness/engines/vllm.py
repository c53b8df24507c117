"""vLLM, on GPU and CPU builds: many adapters on one base, greedy by default, clean shutdown."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.engines.base import Answer, EngineSettings, Request, choice_score
from harness.errors import MissingExtraError, RunError
from harness.machine import GIB, this_machine
from harness.quiet import quieten
from harness.types import Adapter

logger = logging.getLogger(__name__)

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""LoRA ranks that vLLM's engine accepts as its limit."""
MAX_RANK = RANKS[-1]
LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class VllmEngine:
    """Serve a base model and its adapters through vLLM's offline engine.

    With several adapters there are two ways. "multi" keeps one engine and mixes the requests of
    all adapters in a batch. "merged" adds each adapter to a copy of the base and serves the copies
    in turn. "auto" is multi, faster on short runs and about even on long ones, except on a CPU
    build whose LoRA kernels are not known to be right and fast (vllm_cpu_lora).
    """

    def __init__(self, settings: EngineSettings) -> None:
        _prepare_process()
        self._settings = settings
        self._on_cpu = not this_machine().gpus
        self._scratch = tempfile.TemporaryDirectory(prefix="tunemark-merged-")
        self._llm: Any = None
        self._loaded: object = None

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield answers as they finish; see Engine."""
        if self.lora_mode == "multi":
            self._load(None, self._settings.adapters)
            yield from self._run(requests)
            return
        variants = dict.fromkeys(request.adapter for request in requests)
        # The one that is loaded goes first: a dialogue comes back turn by turn.
        is_other = {variant: self._loaded != (variant, ()) for variant in variants}
        order = sorted(variants, key=lambda a: (is_other[a], a is not None, a.name if a else ""))
        for adapter in order:
            self._load(adapter, ())
            yield from self._run([r for r in requests if r.adapter == adapter])

    def close(self) -> None:
        """Shut the engine down and give its memory back."""
        self._unload()
        self._scratch.cleanup()

    @property
    def lora_mode(self) -> str:
        """Which of "multi" and "merged" is in use."""
        if not self._settings.adapters:
            return "merged"
        if self._settings.lora_mode != "auto":
            return self._settings.lora_mode
        if not self._on_cpu:
            return "multi"
        from harness.engines import vllm_cpu_lora

        return "multi" if vllm_cpu_lora.is_known() else "merged"

    @property
    def dtype(self) -> str:
        """Number format of weights and activations.

        On CPU "auto" is float32: there bfloat16 gives other texts when the batch is composed
        differently (3 of 12 measured), so that a resumed run would differ from an undisturbed one.
        """
        if self._settings.dtype != "auto":
            return self._settings.dtype
        return "float32" if self._on_cpu else "auto"

    def _load(self, merged: Adapter | None, side_by_side: Sequence[Adapter]) -> None:
        wanted = (merged, tuple(side_by_side))
        if self._llm is not None and self._loaded == wanted:
            return
        self._unload()
        from vllm import LLM

        model = self._settings.model if merged is None else self._merge(merged)
        options: dict[str, Any] = {
            "model": model,
            "tokenizer": self._settings.model,
            "dtype": self.dtype,
            "seed": self._settings.seed,
            "max_model_len": self._settings.max_tokens_per_sequence,
            "enable_prefix_caching": True,
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
        }
        if self._on_cpu:
            # Compilation takes longer than any run that fits a CPU.
            options |= {"enforce_eager": True, "max_num_seqs": 64, **_cpu_memory()}
        if side_by_side:
            options |= _lora_options(side_by_side, on_cpu=self._on_cpu)
        try:
            self._llm = LLM(**options)
        except (MemoryError, RuntimeError, ValueError, AssertionError, OSError) as error:
            raise RunError(
                f"vLLM could not load {self._settings.model}: {_last_line(error)}; "
                "`tunemark doctor` checks memory and settings"
            ) from error
        self._loaded = wanted

    def _merge(self, adapter: Adapter) -> str:
        from harness.engines.merge import merge_adapter

        out = Path(self._scratch.name) / adapter.digest[:16]
        if not out.exists():
            dtype = "bfloat16" if self.dtype == "auto" else self.dtype
            merge_adapter(Path(self._settings.model), adapter, out, dtype=dtype)
        return str(out)

    def _run(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Feed every request to the scheduler and yield as it finishes them."""
        engine = self._llm.llm_engine
        pending = {request.key: _Pending(request) for request in requests}
        slots = {adapter: i for i, adapter in enumerate(self._settings.adapters, start=1)}
        for request in requests:
            lora = None
            if request.adapter is not None and self.lora_mode == "multi":
                from vllm.lora.request import LoRARequest

                slot = slots[request.adapter]
                lora = LoRARequest(request.adapter.name, slot, str(request.adapter.path))
            for name, token_ids, params in _engine_requests(request):
                engine.add_request(name, {"prompt_token_ids": token_ids}, params, lora_request=lora)
        while engine.has_unfinished_requests():
            for output in engine.step():
                if not output.finished:
                    continue
                key, _, part = output.request_id.rpartition("#")
                # vLLM may append its own suffix to a request id.
                answer = pending[key].add(int(part.split("-")[0]), output)
                if answer is not None:
                    yield answer

    def _unload(self) -> None:
        if self._llm is None:
            return
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        self._loaded = None
        gc.collect()
        cleanup_dist_env_and_memory()


class _Pending:
    """Collects the parts of one request: one generation, or one score per choice."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._scores: dict[int, float] = {}
        self._greedy: dict[int, bool] = {}
        self._echo = request.prompt_ids
        self._start = time.monotonic()

    def add(self, part: int, output: Any) -> Answer | None:
        request = self._request
        seconds = time.monotonic() - self._start
        if not request.choice_ids:
            first = output.outputs[0]
            return Answer(
                key=request.key,
                text=first.text,
                finish="stop" if first.finish_reason == "stop" else "length",
                prompt_ids=tuple(output.prompt_token_ids),
                completion_tokens=len(first.token_ids),
                seconds=seconds,
            )
        choice = request.choice_ids[part]
        echo = tuple(output.prompt_token_ids[: -len(choice)])
        if echo != request.context(part):
            self._echo = echo
        entries = output.prompt_logprobs[-len(choice) :]
        tokens = [entry[token] for entry, token in zip(entries, choice, strict=True)]
        self._scores[part] = choice_score([token.logprob for token in tokens])
        self._greedy[part] = all(token.rank == 1 for token in tokens)
        if len(self._scores) < len(request.choice_ids):
            return None
        parts = range(len(request.choice_ids))
        return Answer(
            key=request.key,
            finish="stop",
            prompt_ids=self._echo,
            choice_logprobs=tuple(self._scores[i] for i in parts),
            choice_greedy=tuple(self._greedy[i] for i in parts),
            seconds=seconds,
        )


def _engine_requests(request: Request) -> Iterator[tuple[str, list[int], Any]]:
    from vllm import SamplingParams

    if not request.choice_ids:
        sampling = request.sampling
        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop) or None,
            skip_special_tokens=not sampling.keeps_special_tokens,
            spaces_between_special_tokens=not sampling.keeps_special_tokens,
            seed=sampling.seed if sampling.temperature > 0 else None,
        )
        yield f"{request.key}#0", list(request.prompt_ids), params
        return
    params = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False)
    for part, choice in enumerate(request.choice_ids):
        yield f"{request.key}#{part}", [*request.context(part), *choice], params


def _lora_options(adapters: Sequence[Adapter], *, on_cpu: bool) -> dict[str, Any]:
    needed = max(adapter.rank for adapter in adapters)
    options: dict[str, Any] = {
        "enable_lora": True,
        "max_loras": len(adapters),
        "max_lora_rank": next(rank for rank in RANKS if rank >= needed),
    }
    if on_cpu:
        from harness.engines import vllm_cpu_lora

        if not vllm_cpu_lora.install():
            logger.warning("unknown vLLM CPU build: multi-LoRA runs at upstream's speed")
        # A spare empty slot keeps base requests right, and an unwrapped lm_head keeps
        # prompt_logprobs from crashing, whatever the kernels do.
        options |= {"max_loras": len(adapters) + 1, "lora_target_modules": LINEAR_LAYERS}
    return options


def _cpu_memory() -> dict[str, Any]:
    """Give the KV cache a sixteenth of memory, 0.5 to 4 GiB; vLLM's own guess takes nearly all."""
    size = min(4 * GIB, max(GIB // 2, this_machine().memory_bytes // 16))
    return {"kv_cache_memory_bytes": size}


def _prepare_process() -> None:
    """Set what vLLM reads at import; a user's own settings win."""
    quieten()
    if not this_machine().gpus:
        # In this process and on every core: an engine process of its own takes 10 s more to
        # start, and by default reserves one core for itself.
        defaults = {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_NUM_THREADS": str(this_machine().cores),
        }
        for name, value in defaults.items():
            os.environ.setdefault(name, value)
    if find_spec("vllm") is None:
        raise MissingExtraError("engine 'vllm'", "gpu" if this_machine().gpus else "cpu")


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
