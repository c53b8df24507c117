"""A small real study: SmolLM2-135M, a dozen questions, two quickly trained adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters import load_adapter
from harness.models import ModelSource, resolve_model
from harness.study import load_study
from harness.types import Adapter
from tests.real.support import tunemark, write_study


@pytest.fixture(scope="session")
def model() -> ModelSource:
    return resolve_model("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    return folder / "study.yaml"


@pytest.fixture(scope="session")
def trained(study_file: Path, model: ModelSource) -> list[Adapter]:
    """Two adapters, trained once for all tests of this folder."""
    root = study_file.parent / "runs"
    tunemark("train", str(study_file), "--root", str(root))
    study = load_study(study_file, root)
    folders = [(v.name, v.training.adapter) for v in study.variants if v.training]
    return [load_adapter(name, folder, model, max_rank=64) for name, folder in folders]
