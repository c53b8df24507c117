"""The tiny model and its tokenizers, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models import resolve_model
from tests.finetune.support import ROWS, Maker, bos_tokenizer, plan, small_tokenizer, tiny_model


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Sums are the same on every machine only when one thread does them."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return small_tokenizer()


@pytest.fixture(scope="session")
def bos() -> Any:
    return bos_tokenizer()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """The tiny model on disk, with its tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    tiny_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Folder of the real SmolLM2; for tests marked `model`."""
    return resolve_model("smollm2-135m-instruct").path


@pytest.fixture(scope="session")
def gemma() -> Path:
    """Folder of the real Gemma 3 270M; for tests marked `model`."""
    return resolve_model("gemma-3-270m").path


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Maker:
    """Return a maker of prepared runs, each in a folder of its own."""
    return lambda rows=ROWS, **train_values: plan(
        tmp_path_factory.mktemp("study"), model_folder, rows, **train_values
    )
