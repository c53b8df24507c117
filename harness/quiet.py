"""Keep libraries from writing their own bars and warnings between ours; a user's settings win.

Called before a heavy library is imported. What is silenced was looked at and is harmless: kernels
that a CPU build lacks, deprecations inside vLLM, progress of files that load in a second.
"""

from __future__ import annotations

import logging
import os
import warnings

SETTINGS = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}
LOGGERS = (
    "bitsandbytes",
    "datasets",
    "lm_eval",
    "torch._library.triton",
    "transformers.modeling_rope_utils",
)


def quieten() -> None:
    """Apply the settings to this process and its children."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="vllm")
    warnings.filterwarnings("ignore", category=FutureWarning, message=".*reduce_op.*")
