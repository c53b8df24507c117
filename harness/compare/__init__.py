"""Compare runs of one suite, item by item, and say in four words what the numbers allow."""

from harness.compare.comparison import ALPHA, Comparison, Noise, Unscored, Verdict, verdict_of
from harness.compare.family import Pair, compare_all, correct_for_many
from harness.compare.pair import compare

__all__ = [
    "ALPHA",
    "Comparison",
    "Noise",
    "Pair",
    "Unscored",
    "Verdict",
    "compare",
    "compare_all",
    "correct_for_many",
    "verdict_of",
]
