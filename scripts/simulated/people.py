"""Ratings by people: items × raters, with tastes that more items do not average out."""

from __future__ import annotations

import numpy as np

from harness.stats.studentised import Interval
from harness.stats.two_way import two_way_bootstrap, two_way_paired
from scripts.simulated.scenario import N_DRAWS, Array, Rng, Scenario, seed_of

RATERS = (3, 5, 8, 15)


def people_scenarios() -> list[Scenario]:
    """Return those of one system and of two, with 3 to 15 raters."""
    kinds = {
        "60 items": (60, 0.0, False),
        "20 items": (20, 0.0, False),
        "60 items, half of the cells": (60, 0.5, False),
        "60 items, scale 1 to 5": (60, 0.0, True),
    }
    paired = [_raters(name, n, *kinds[name]) for name in kinds for n in RATERS]
    return [*paired, *(_ratings(n) for n in RATERS)]


def _raters(name: str, n: int, n_items: int, missing: float, is_likert: bool) -> Scenario:
    truth = 0.0 if is_likert else 0.3

    def draw(rng: Rng) -> Interval:
        first, second = _rated(rng, n_items, n, truth=truth, missing=missing, is_likert=is_likert)
        return two_way_paired(
            first, second, spread=4.0, n_draws=N_DRAWS, seed=seed_of(rng)
        ).difference

    return Scenario(
        table="Raters, paired", data=name, n=n, truth=lambda: truth, draw=draw, n_simulations=1000
    )


def _ratings(n: int) -> Scenario:
    def draw(rng: Rng) -> Interval:
        first, _ = _rated(rng, 60, n, truth=0.0, missing=0.0, is_likert=False)
        return two_way_bootstrap(first, spread=4.0, n_draws=N_DRAWS, seed=seed_of(rng))

    return Scenario(
        table="Raters, one value",
        data="60 items",
        n=n,
        truth=lambda: 3.0,
        draw=draw,
        n_simulations=1000,
    )


def _rated(
    rng: Rng, n_items: int, n_raters: int, *, truth: float, missing: float, is_likert: bool
) -> tuple[Array, Array]:
    """Draw ratings of two systems: each rater has a severity, and a taste for one of the two."""
    shape = (n_items, n_raters)
    quality, severity = rng.normal(3, 0.8, (n_items, 1)), rng.normal(0, 0.5, (1, n_raters))
    gain = truth + rng.normal(0, 0.5, (n_items, 1)) + rng.normal(0, 0.25, (1, n_raters))
    first = quality + severity - gain / 2 + truth / 2 + rng.normal(0, 0.6, shape)
    second = quality + severity + gain / 2 + truth / 2 + rng.normal(0, 0.6, shape)
    if is_likert:
        first, second = (np.clip(np.round(part), 1, 5) for part in (first, second))
    is_missing = rng.random(shape) < missing
    return np.where(is_missing, np.nan, first), np.where(is_missing, np.nan, second)
