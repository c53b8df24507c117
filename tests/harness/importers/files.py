"""What other tools write, cut down to two items; layouts as in the tools' sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LM_EVAL = [  # lm-eval 0.4.13, --log_samples, two filters on one task
    {"doc_id": i, "doc": {"q": q}, "target": a, "filter": name, "metrics": ["exact_match"],
     "arguments": {"gen_args_0": {"arg_0": f"Q: {q}\nA:", "arg_1": {"until": ["\n"]}}},
     "resps": [[said]], "filtered_resps": [said], "doc_hash": "0", "prompt_hash": "1",
     "target_hash": "2", "exact_match": right}
    for name in ("strict", "loose")
    for i, (q, a, said, right) in enumerate(
        [("Capital of France?", "Paris", "Paris", 1.0), ("Capital of Japan?", "Tokyo", "Kyoto", 0.0)]
    )
]  # fmt: skip
LM_EVAL_CHOICES = [  # lm-eval 0.4.13, multiple_choice: numbers are text in the file
    {"doc_id": 0, "doc": {}, "target": "1", "filter": "none", "metrics": ["acc"],
     "arguments": {f"gen_args_{i}": {"arg_0": "2+2 =\nAnswer:", "arg_1": f" {choice}"}
                   for i, choice in enumerate(["five", "4", "1"])},
     "resps": [[["-3.5", "False"]], [["-0.5", "True"]], [["-2.0", "False"]]],
     "filtered_resps": [["-3.5", "False"], ["-0.5", "True"], ["-2.0", "False"]], "acc": 1.0},
]  # fmt: skip
LLAMA_FACTORY = [  # src/llamafactory/train/sft/trainer.py, save_predictions
    {"prompt": "user\nCapital of France?\nassistant\n", "predict": "\nParis", "label": "\nParis"},
    {"prompt": "user\nCapital of Japan?\nassistant\n", "predict": "Kyoto", "label": "Tokyo"},
]
OPENCOMPASS = {  # opencompass/openicl/icl_inferencer/icl_base_inferencer.py
    "0": {"origin_prompt": [{"role": "HUMAN", "prompt": "Capital of France?"}],
          "prediction": "Paris", "gold": "Paris"},
    "1": {"origin_prompt": [{"role": "HUMAN", "prompt": "Capital of Japan?"}],
          "prediction": "Kyoto", "gold": ["Tokyo", "Tōkyō"]},
}  # fmt: skip
EVALSCOPE_REVIEWS = [  # evalscope 1.x, api/evaluator/cache.py, ReviewResult
    {"index": i, "input": f"**User**: \nCapital of {place}?", "target": right,
     "sample_score": {"score": {"value": {"acc": acc}, "extracted_prediction": said,
                                "prediction": said, "metadata": {}}, "sample_id": i}}
    for i, (place, right, said, acc) in enumerate(
        [("France", "Paris", "Paris", 1.0), ("Japan", "Tokyo", "Kyoto", 0.0)]
    )
]  # fmt: skip
EVALSCOPE_PREDICTIONS = [  # evalscope 1.x, ModelResult; content may be a list of parts
    {"index": i, "model": "m", "messages": [
        {"role": "user", "content": f"Capital of {place}?"},
        {"role": "assistant", "content": said}],
     "model_output": {"choices": [{"message": {"role": "assistant", "content": content},
                                   "stop_reason": "stop"}]}}
    for i, (place, said, content) in enumerate(
        [("France", "Paris", [{"type": "reasoning", "reasoning": "Hm."},
                              {"type": "text", "text": "Paris"}]),
         ("Japan", "Kyoto", "Kyoto")]
    )
]  # fmt: skip
EVALSCOPE_OLD = [  # evalscope 0.x, reviews
    {"answer_id": "a", "origin_prompt": "Capital of France?", "subset_name": "default",
     "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"},
                  "review": {"gold": "Paris", "pred": "Paris", "result": 1.0}}]},
    {"answer_id": "b", "origin_prompt": "Capital of Japan?", "subset_name": "default",
     "choices": [{"index": 0, "message": {"role": "assistant", "content": "Kyoto"},
                  "review": {"gold": "Tokyo", "pred": "Kyoto", "result": 0.0}}]},
]  # fmt: skip


def write(file: Path, content: Any) -> Path:
    """Write rows as JSON Lines, anything else as indented JSON."""
    if isinstance(content, list) and file.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
    else:
        text = json.dumps(content, indent=4, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    return file
