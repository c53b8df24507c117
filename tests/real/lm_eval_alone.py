"""lm-eval by itself, in a process of its own: `python lm_eval_alone.py JOB.json`.

The job names lm-eval's model type and arguments, a folder of tasks and options; what comes back is
lm-eval's results and samples, as it logs them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(file: Path) -> None:
    job = json.loads(file.read_text(encoding="utf-8"))
    if job["model"] == "vllm":
        os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1"}
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from lm_eval.utils import handle_non_serializable

    found = simple_evaluate(
        model=job["model"],
        model_args=job["model_args"],
        tasks=job["tasks"],
        task_manager=TaskManager(include_path=job["include"], include_defaults=False),
        batch_size=job.get("batch_size", 8),
        bootstrap_iters=0,
        apply_chat_template=job.get("apply_chat_template", False),
        fewshot_as_multiturn=job.get("apply_chat_template", False),
        limit=job.get("limit"),
    )
    assert found is not None
    kept = {"results": found["results"], "samples": found["samples"]}
    text = json.dumps(kept, default=handle_non_serializable, ensure_ascii=False)
    Path(job["out"]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
