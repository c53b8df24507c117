"""A gate as a test: `def test_release(tunemark_gate): tunemark_gate("gate.yaml", "runs/…")`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from harness.gate.decide import Decision


class GateCall(Protocol):
    """Holds runs against a policy; fails the test where the policy is not met."""

    def __call__(
        self, policy: str | Path, *runs: str | Path, study: str | Path | None = None
    ) -> Decision:
        """Return the decision, or fail with its findings; inconclusive fails too."""
        ...


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "tunemark_gate(policy, *runs, study=None): the test fails unless the gate passes",
    )


@pytest.fixture
def tunemark_gate() -> GateCall:
    """Return a call that fails the test unless the gate passes.

    Paths are relative to where pytest runs. A finding that is inconclusive fails too, unless the
    policy maps it to "pass".
    """
    return _check


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Check the gates of a test's markers before its body."""
    for marker in item.iter_markers("tunemark_gate"):
        options: Any = marker.kwargs
        _check(*marker.args, **options)


def _check(policy: str | Path, *runs: str | Path, study: str | Path | None = None) -> Decision:
    __tracebackhide__ = True
    from harness.errors import HarnessError
    from harness.gate.candidates import candidates_of, ratings_of, training_of
    from harness.gate.decide import decide
    from harness.gate.policy import load_policy
    from harness.gate.write import as_text

    try:
        loaded = load_policy(Path(policy))
        folder = Path(study) if study is not None else None
        candidates = candidates_of([Path(run) for run in runs], folder)
        decision = decide(
            loaded, candidates, training=tuple(training_of(loaded)), ratings=ratings_of(loaded)
        )
    except HarnessError as error:
        pytest.fail(str(error), pytrace=False)
    if decision.answer != "pass":
        pytest.fail(as_text(decision), pytrace=False)
    return decision
