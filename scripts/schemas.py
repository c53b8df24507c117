"""Write the JSON Schemas of suites, gold rows, studies and training data; `make schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from finetune.config import TrainConfig
from finetune.data.build import BuildConfig
from finetune.data.mix import MixConfig
from finetune.data.rules import CleanConfig
from harness.annotation.config import SessionConfig
from harness.gate.policy import PolicyConfig
from harness.leaderboard.config import BoardConfig
from harness.study_config import StudyConfig
from harness.suite import SuiteConfig
from harness.types import GoldRecord

FOLDER = Path(__file__).resolve().parent.parent / "suites" / "schema"
SCHEMAS: dict[str, type[BaseModel]] = {
    "suite": SuiteConfig,
    "gold": GoldRecord,
    "study": StudyConfig,
    "train": TrainConfig,
    "build": BuildConfig,
    "clean": CleanConfig,
    "mix": MixConfig,
    "gate": PolicyConfig,
    "leaderboard": BoardConfig,
    "session": SessionConfig,
}


def schema_text(model: type[BaseModel]) -> str:
    """Return a model's JSON Schema, sorted, so that equal models give equal files."""
    return (
        json.dumps(model.model_json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )


def main() -> None:
    """Write all schemas."""
    FOLDER.mkdir(exist_ok=True)
    for name, model in SCHEMAS.items():
        (FOLDER / f"{name}.schema.json").write_text(schema_text(model), encoding="utf-8")


if __name__ == "__main__":
    main()
