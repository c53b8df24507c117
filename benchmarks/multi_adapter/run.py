"""A base and four LoRA adapters: one call of ours against five runs of lm-eval's vLLM model.

Same prompts, same token limits, greedy, float32, all process starts included: what a user waits.
Run: python benchmarks/multi_adapter/run.py [--adapters 4] [--items 60]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.models import ModelSource, resolve_model
from harness.prompts import build_prompts
from harness.runner import load_tokenizer
from harness.suite import load_suite
from harness.templates import load_template

SUITES = Path(__file__).resolve().parents[2] / "suites"
MAX_TOKENS = 24


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--adapters", type=int, default=4)
    parser.add_argument("--items", type=int, default=60)
    args = parser.parse_args()

    model = resolve_model(args.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapters = [make_adapter(model, folder / f"adapter{i}", i) for i in range(args.adapters)]
        write_task(model, folder, args.items)
        ours_seconds = ours(model, adapters, folder)
        print(f"ours: {ours_seconds:.0f} s for base and {len(adapters)} adapters", flush=True)
        peer_seconds = 0.0
        for adapter in [None, *adapters]:
            seconds = lm_eval(model, adapter, folder)
            label = adapter.name if adapter else "base"
            print(f"lm-eval, {label}: {seconds:.0f} s", flush=True)
            peer_seconds += seconds
    print(
        f"multi_adapter: lm-eval / ours = {peer_seconds / ours_seconds:.1f} "
        f"({peer_seconds:.0f} s / {ours_seconds:.0f} s; expected ≥ 3)"
    )


def make_adapter(model: ModelSource, folder: Path, seed: int) -> Path:
    """Write a rank-8 adapter with small random weights, in a process of its own."""
    code = (
        "import sys, torch\n"
        "from peft import LoraConfig, get_peft_model\n"
        "from transformers import AutoModelForCausalLM\n"
        "base = AutoModelForCausalLM.from_pretrained(sys.argv[1])\n"
        "model = get_peft_model(base, LoraConfig(r=8, target_modules='all-linear'))\n"
        "torch.manual_seed(int(sys.argv[3]))\n"
        "for name, weight in model.named_parameters():\n"
        "    if 'lora_B' in name: torch.nn.init.normal_(weight, std=0.02)\n"
        "model.save_pretrained(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, str(model.path), str(folder), str(seed)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def write_task(model: ModelSource, folder: Path, n_items: int) -> None:
    """Write the same items as a suite of ours and as a task of lm-eval's."""
    suite = load_suite(SUITES / "retention")
    records = [record for record in suite.gold if not record.choices][:n_items]
    ours = folder / "suite"
    ours.mkdir()
    (ours / "suite.yaml").write_text(
        "name: bench\nversion: '1'\nlanguage: en\ndescription: benchmark\ntasks:\n"
        f"  ask: {{max_tokens: {MAX_TOKENS}, metrics: [contains]}}\n",
        encoding="utf-8",
    )
    gold = [record.model_copy(update={"task": "ask"}) for record in records]
    lines = [json.dumps(record.model_dump(mode="json")) for record in gold]
    (ours / "gold.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    prompts = build_prompts(
        load_suite(ours), gold, load_template("tokenizer", model.path), load_tokenizer(model)
    )
    rows = [
        json.dumps({"text": p.text, "target": r.references[0]})
        for p, r in zip(prompts, gold, strict=True)
    ]
    (folder / "bench.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "bench.yaml").write_text(
        "task: bench\ndataset_path: json\n"
        f"dataset_kwargs: {{data_files: {{test: {folder / 'bench.jsonl'}}}}}\n"
        "test_split: test\noutput_type: generate_until\ndoc_to_text: '{{text}}'\n"
        "doc_to_target: '{{target}}'\n"
        f"generation_kwargs: {{until: ['<|im_end|>'], do_sample: false, max_gen_toks: {MAX_TOKENS}}}\n"
        "metric_list: [{metric: exact_match}]\n",
        encoding="utf-8",
    )


def ours(model: ModelSource, adapters: list[Path], folder: Path) -> float:
    """Run `tunemark run` once."""
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run"]
    command += [str(folder / "suite"), "--model", str(model.path), "--root", str(folder / "runs")]
    for adapter in adapters:
        command += ["--adapter", f"{adapter.name}={adapter}"]
    return timed(command)


def lm_eval(model: ModelSource, adapter: Path | None, folder: Path) -> float:
    """Run lm-eval's command line once, with the settings that suit this machine best."""
    arguments = f"pretrained={model.path},dtype=float32,enforce_eager=True,max_model_len=256"
    if adapter is not None:
        arguments += f",lora_local_path={adapter},max_lora_rank=8"
    command = [sys.executable, "-m", "lm_eval", "--model", "vllm", "--model_args", arguments]
    # All at once, as "auto" does; but with "auto" vLLM may divide by a time of zero.
    command += ["--tasks", "bench", "--include_path", str(folder), "--batch_size", "256"]
    return timed(command)


def timed(command: list[str]) -> float:
    """Return the seconds that a command takes; its output is shown only when it fails."""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
        "VLLM_LOGGING_LEVEL": "ERROR",
    }
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
        raise SystemExit(f"failed: {' '.join(command[:6])} …")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
