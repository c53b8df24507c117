"""Metrics that a worker process can import and build: what happens there shows in their scores."""

from __future__ import annotations

import os
import sys
import time

from harness.errors import MissingExtraError
from harness.metrics.base import MeanMetric, Metric
from harness.types import Completion, GoldRecord


def length() -> Metric:
    """Score the length of an answer."""
    return MeanMetric(name="length", signature="length@1", score=lambda _, said: len(said.text))


def process() -> Metric:
    """Score the process that measured."""
    return MeanMetric(name="pid", signature="pid@1", score=lambda *_: float(os.getpid()))


def torch_loaded() -> Metric:
    """Score 1 where torch is loaded."""
    return MeanMetric(name="torch", signature="torch@1", score=lambda *_: "torch" in sys.modules)


def slow() -> Metric:
    """Take a tenth of a second for an item."""

    def score(gold: GoldRecord, completion: Completion) -> float:
        time.sleep(0.1)
        return 1.0

    return MeanMetric(name="slow", signature="slow@1", score=score)


def dying() -> Metric:
    """Take the process down, as the system does when memory runs out."""
    os._exit(9)


def failing() -> Metric:
    """Raise an error of ours that cannot be sent between processes."""

    def score(gold: GoldRecord, completion: Completion) -> float:
        raise MissingExtraError("this metric", "zh")

    return MeanMetric(name="failing", signature="failing@1", score=score)
