"""Read a gate's policy: what must hold before a fine-tuned model may be released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from harness.config import load_yaml
from harness.digest import digest_of
from harness.errors import ConfigError, StoreError, UnknownNameError
from harness.store import MANIFEST, RunFolder, read_json, write_json
from harness.suite import Suite, load_suite
from harness.types import Record


class Requirement(Record):
    """What one metric of one suite must show, compared with the baseline."""

    suite: str
    """Name of one of the policy's suites."""
    metric: str
    require: Literal["improved", "no worse"] = "no worse"
    margin: float = Field(default=0.0, ge=0)
    """How much worse is still "no worse", in the metric's unit."""


class Limits(Record):
    """What must hold for the candidate's runs themselves."""

    coverage: float = Field(default=1.0, ge=0, le=1)
    """Least share of a suite's items that are answered and scored."""
    ended_by_itself: float = Field(default=0.0, ge=0, le=1)
    """Least share of generated answers that the model ended itself."""
    not_extracted: float = Field(default=1.0, ge=0, le=1)
    """Largest share of a primary's answers in which no answer was found."""
    leaked_items: int = Field(default=0, ge=0)
    """Most gold items that may stand in the training data, where that is given."""
    critical_items: int = Field(default=0, ge=0)
    """Most items that a rater may have tagged as critical, where ratings are given."""


class PolicyConfig(Record):
    """A gate's YAML file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    suites: tuple[str, ...] = Field(min_length=1)
    """Suite folders, relative to the policy's file."""
    baseline: dict[str, str] = Field(min_length=1)
    """Run folder by suite name, relative to the policy's file."""
    primary: tuple[Requirement, ...] = Field(min_length=1)
    """Corrected together for their number (max-T), over all candidates."""
    limits: Limits = Limits()
    training: tuple[str, ...] = ()
    """Training files to search for gold items, relative to the policy's file."""
    ratings: tuple[str, ...] = ()
    """Files of human ratings to search for critical tags, relative to the policy's file."""
    inconclusive: Literal["inconclusive", "pass", "fail"] = "inconclusive"
    """What it means when the data allow no answer."""

    @model_validator(mode="after")
    def _names_its_suites(self) -> PolicyConfig:
        if len({(p.suite, p.metric) for p in self.primary}) < len(self.primary):
            raise ValueError("one suite and metric stands twice under `primary`")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy with its suites and the baseline's runs, all checked."""

    config: PolicyConfig
    file: Path
    suites: dict[str, Suite]
    """By name."""
    baseline: dict[str, RunFolder]
    """By suite name."""
    is_pinned: bool
    """Whether a lock file says which answers the baseline's runs must have."""

    @property
    def lock_file(self) -> Path:
        """Where the digests of the baseline's runs stand: beside the policy."""
        return _lock_file(self.file)


def load_policy(file: Path, *, checks_digest: bool = True) -> Policy:
    """Read a policy and everything that it names.

    Args:
        file: The YAML file.
        checks_digest: Whether a baseline that is not the pinned one is refused.

    Raises:
        ConfigError, UnknownNameError, GoldError: naming the file.
        StoreError: a baseline's run is missing or has changed.
    """
    config = load_yaml(file, PolicyConfig)
    loaded = [load_suite(file.parent / path) for path in config.suites]
    suites = {suite.name: suite for suite in loaded}
    for requirement in config.primary:
        where = f"{file}: primary"
        if requirement.suite not in suites:
            raise UnknownNameError("suite", requirement.suite, suites, where=where)
        metrics = suites[requirement.suite].metrics()
        if requirement.metric not in metrics:
            raise UnknownNameError("metric", requirement.metric, metrics, where=where)
        if requirement.suite not in config.baseline:
            raise ConfigError(f"{file}: baseline: no run for suite {requirement.suite!r}")
    for name in config.baseline:
        if name not in suites:
            raise UnknownNameError("suite", name, suites, where=f"{file}: baseline")
    baseline = {name: RunFolder(path=file.parent / run) for name, run in config.baseline.items()}
    for name, folder in baseline.items():
        if not (folder.path / MANIFEST).exists():
            raise StoreError(f"{folder.path}: no run here; {file} names it as baseline of {name}")
    lock = _lock_file(file)
    if checks_digest and lock.exists():
        _check_pins(baseline, lock, file)
    return Policy(
        config=config, file=file, suites=suites, baseline=baseline, is_pinned=lock.exists()
    )


def run_digest(folder: RunFolder) -> str:
    """Return one hash over what a run is and everything that it answered."""
    answers = [
        [c.gold_id, c.text, c.finish, c.choice_logprobs]
        for _, c in sorted(folder.completions().items())
    ]
    return digest_of([folder.manifest["identity"], answers])


def pin_baseline(policy: Policy) -> dict[str, str]:
    """Write the digests of the baseline's runs beside the policy and return them by suite."""
    digests = {name: run_digest(folder) for name, folder in policy.baseline.items()}
    write_json(policy.lock_file, {"baseline": digests})
    return digests


def _lock_file(file: Path) -> Path:
    return file.with_suffix(".lock.json")


def _check_pins(baseline: Mapping[str, RunFolder], lock: Path, file: Path) -> None:
    pinned = read_json(lock).get("baseline", {})
    for name, folder in baseline.items():
        digest = run_digest(folder)
        if pinned.get(name) != digest:
            raise StoreError(
                f"{folder.path}: not the baseline that {lock.name} pins ({digest[:12]} instead of "
                f"{str(pinned.get(name))[:12]}); restore it, or pin this one with "
                f"`tunemark gate {file} --pin`"
            )
