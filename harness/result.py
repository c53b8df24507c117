"""What a study found, as one value on disk: the only thing that tables and pages read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.advice import Confirmation
from harness.compare import Comparison
from harness.leaks import FoundLeak
from harness.pareto import TradeOff
from harness.seeds import NoiseFloor
from harness.store import read_json, write_json
from harness.study_config import Role
from harness.types import Record

RESULT = "result.json"


class CellResult(Record):
    """One configuration on one suite."""

    suite: str
    folder: str
    """Run folder, relative to the runs' root."""
    n_planned: int
    n_done: int
    ended_by_itself: float | None
    """Share of generated answers that the model ended itself; None without generation."""
    mean_tokens: float | None
    """Mean length of generated answers."""
    seconds: float


class VariantResult(Record):
    """One configuration, or one training seed of it; the baseline included."""

    name: str
    seed_of: str | None = None
    """The configuration that it is a training seed of; None: it is one itself."""
    seed: int | None = None
    """Of its training, where it is one of several."""
    status: Literal["complete", "failed"] = "complete"
    failure: str | None = None
    training_folder: str | None = None
    train_seconds: float | None = None
    run_seconds: float = 0.0
    peak_bytes: int = 0
    """Largest of training and evaluation."""
    tokens_per_second: float | None = None
    """Real (unpadded) tokens while training."""
    heldout_loss: dict[str, float] = Field(default_factory=dict)
    """By epoch; epoch 0 is the untouched model."""
    settings: dict[str, object] = Field(default_factory=dict)
    """Training settings, for the configuration table."""
    canary: float | None = None
    """Largest change of a probe's log-likelihood that the adapter made, in nats."""
    parity_probes: int | None = None
    """Conversations that training and serving turned into equal tokens; None without a proof."""
    cells: tuple[CellResult, ...] = ()

    @property
    def configuration(self) -> str:
        """The name under which it is compared."""
        return self.seed_of or self.name


class SuiteResult(Record):
    """One suite of the study."""

    name: str
    role: Role
    version: str
    language: str
    n_items: int
    gold_digest: str
    gold_file: str
    """Copy of the gold set, relative to the runs' root."""
    tasks: dict[str, int]
    """Items by task."""
    leaks: tuple[FoundLeak, ...] = ()
    """Gold items found in training data, in gold order."""


class StudyResult(Record):
    """Everything that a study found."""

    name: str
    description: str
    model: str
    template: str
    engine: str
    baseline: str
    created: str
    suites: tuple[SuiteResult, ...]
    variants: tuple[VariantResult, ...]
    """Baseline first; a configuration with several training seeds has one for each."""
    comparisons: tuple[Comparison, ...]
    clean: tuple[Comparison, ...] = ()
    """The same without the gold items found in training data, for the suites that have some."""
    confirmation: Confirmation | None = None
    """None: the same items chose and told how good the choice is."""
    trade_offs: tuple[TradeOff, ...] = ()
    """Gain against forgetting and costs, baseline first; empty without a primary comparison."""
    noise: tuple[NoiseFloor, ...] = ()
    """What the seed of training alone changes, for configurations trained with several."""
    advice: tuple[str, ...]
    """First the sentence that decides, then remarks."""
    warnings: tuple[str, ...] = ()

    @property
    def configurations(self) -> tuple[str, ...]:
        """Names under which configurations are compared, without the baseline."""
        names = dict.fromkeys(variant.configuration for variant in self.variants)
        return tuple(name for name in names if name != self.baseline)

    def without_leaks(self) -> StudyResult:
        """Return the result as it is without the gold items found in training data."""
        return self.model_copy(update={"comparisons": self.clean})

    def save(self, folder: Path) -> Path:
        """Write result.json into the study's folder."""
        write_json(folder / RESULT, self.model_dump(mode="json"))
        return folder / RESULT


def load_result(folder: Path) -> StudyResult:
    """Read a study's result.

    Raises:
        StoreError: it is missing or damaged.
    """
    return StudyResult.model_validate(read_json(folder / RESULT))
