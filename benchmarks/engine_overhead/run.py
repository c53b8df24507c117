"""Tokens per second through our runner over bare `LLM.generate`, on the same prompts.

Both use the same loaded engine and alternate, so that the machine's mood hits both alike.
Run: python benchmarks/engine_overhead/run.py [--model smollm2-135m-instruct] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness.engines.base import EngineSettings
from harness.engines.vllm import VllmEngine
from harness.models import resolve_model
from harness.prompts import build_prompts
from harness.runner import Cell, Serving, folder_of, load_tokenizer, run_cells
from harness.suite import Suite, load_suite
from harness.templates import load_template

SUITES = Path(__file__).resolve().parents[2] / "suites"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured pass."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Generated tokens per second."""
        return self.tokens / self.seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    model = resolve_model(args.model)
    serving = Serving(model=model, template=load_template("tokenizer", model.path))
    suite = generate_only(load_suite(SUITES / "clinic-en"))
    engine = VllmEngine(EngineSettings(model=str(model.path), max_tokens_per_sequence=512))
    ours_rates: list[float] = []
    bare_rates: list[float] = []
    ours(suite, serving, engine)  # warm up
    for number in range(args.rounds):
        bare_result, ours_result = bare(suite, serving, engine), ours(suite, serving, engine)
        bare_rates.append(bare_result.rate)
        ours_rates.append(ours_result.rate)
        print(
            f"round {number + 1}: bare {bare_result.rate:.0f} tok/s ({bare_result.tokens} tokens), "
            f"ours {ours_result.rate:.0f} tok/s ({ours_result.tokens} tokens)",
            flush=True,
        )
    engine.close()
    ratio = statistics.median(ours_rates) / statistics.median(bare_rates)
    print(f"engine_overhead: ours / bare = {ratio:.3f} (medians of {args.rounds}; expected ≥ 0.95)")


def generate_only(suite: Suite) -> Suite:
    """Keep the items that generate text."""
    from dataclasses import replace

    gold = tuple(record for record in suite.gold if not record.choices)
    return replace(suite, gold=gold)


def ours(suite: Suite, serving: Serving, engine: VllmEngine) -> Result:
    """Run the suite through the runner into an empty folder: prompts, engine, checks, files."""
    with tempfile.TemporaryDirectory() as folder:
        cell = Cell(name="base", suite=suite)
        engine_reset(engine)
        start = time.perf_counter()
        run_cells([cell], serving, Path(folder), engine=engine)
        seconds = time.perf_counter() - start
        done = folder_of(cell, serving, Path(folder)).completions().values()
        return Result(tokens=sum(c.completion_tokens for c in done), seconds=seconds)


def bare(suite: Suite, serving: Serving, engine: VllmEngine) -> Result:
    """Give the same token ids to vLLM's own `generate`."""
    from vllm import SamplingParams

    prompts = build_prompts(suite, suite.gold, serving.template, load_tokenizer(serving.model))
    tasks = suite.config.tasks
    params = [
        SamplingParams(temperature=0.0, max_tokens=tasks[record.task].max_tokens)
        for record in suite.gold
    ]
    inputs = [{"prompt_token_ids": list(prompt.token_ids)} for prompt in prompts]
    engine_reset(engine)
    start = time.perf_counter()
    outputs = engine._llm.generate(inputs, params, use_tqdm=False)  # noqa: SLF001
    seconds = time.perf_counter() - start
    return Result(tokens=sum(len(o.outputs[0].token_ids) for o in outputs), seconds=seconds)


def engine_reset(engine: VllmEngine) -> None:
    """Forget cached prefixes, so that each pass does the same work."""
    engine._llm and engine._llm.reset_prefix_cache()  # noqa: SLF001


if __name__ == "__main__":
    main()
