"""Simulated data of which the truth is known, for docs/statistics.md and the slow tests."""

from __future__ import annotations

from scripts.simulated.corpus import corpus_scenarios
from scripts.simulated.items import item_scenarios
from scripts.simulated.people import people_scenarios
from scripts.simulated.scenario import Scenario


def scenarios() -> dict[str, Scenario]:
    """Return all scenarios by key, in the order of the tables."""
    found = [*item_scenarios(), *corpus_scenarios(), *people_scenarios()]
    return {scenario.key: scenario for scenario in found}
