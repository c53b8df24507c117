"""lm-eval by itself, in a process of its own: `python lm_eval_alone.py JOB.json`.

The job holds arguments of lm_eval.simple_evaluate, `include` (a folder of tasks) and `out`, where
lm-eval's results and samples are written.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(file: Path) -> None:
    job: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    include, out = job.pop("include"), Path(job.pop("out"))
    if job["model"] == "vllm":
        os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1"}
    from lm_eval import evaluator
    from lm_eval.tasks import TaskManager
    from lm_eval.utils import handle_non_serializable

    evaluate: Any = evaluator.simple_evaluate
    manager = TaskManager(include_path=include, include_defaults=False)
    found = evaluate(task_manager=manager, bootstrap_iters=0, **job)
    kept = {"results": found["results"], "samples": found["samples"]}
    text = json.dumps(kept, default=handle_non_serializable, ensure_ascii=False)
    out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
