"""Translation edit rate, through sacrebleu."""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Literal

import numpy as np

from harness.metrics.base import Array, BatchMetric, Metric, Scale, Setting, Texts

Switch = bool | Literal["auto"]


def ter(
    setting: Setting,
    *,
    normalized: Switch = "auto",
    no_punct: bool = False,
    asian_support: Switch = "auto",
    case_sensitive: bool = False,
) -> Metric:
    """Edits per 100 reference words, from 0, lower is better (TER; Snover et al. 2006).

    As sacrebleu and Tercom compute it: insertions, deletions, substitutions
    and shifts of word groups to the nearest reference, over the references' mean length. Slow:
    milliseconds for a sentence, seconds for a page.

    Args:
        setting: Its language decides "auto": on for Chinese, which has no spaces between words.
        normalized: Whether punctuation is split off and XML marks are read.
        no_punct: Whether punctuation is dropped.
        asian_support: Whether each Chinese or Japanese character is a word (with `normalized`).
        case_sensitive: Whether case counts.
    """
    from sacrebleu.metrics.ter import TER

    is_chinese = setting.language == "zh"
    library = TER(
        normalized=is_chinese if normalized == "auto" else normalized,
        no_punct=no_punct,
        asian_support=is_chinese if asian_support == "auto" else asian_support,
        case_sensitive=case_sensitive,
    )

    def statistics(texts: Texts) -> Array:
        found = (
            library.sentence_score(answer, list(references))
            for answer, references in zip(texts.answers, texts.references, strict=True)
        )
        return np.asarray([(one.num_edits, one.ref_length) for one in found], np.float64)

    switches = {
        "norm": library.normalized,
        "punct": not no_punct,
        "asian": library.asian_support,
    }
    written = "|".join(f"{name}:{'yes' if on else 'no'}" for name, on in switches.items())
    return BatchMetric(
        name="ter",
        signature=f"ter@1|tok:tercom|case:{'mixed' if case_sensitive else 'lc'}|{written}"
        f"|sacrebleu:{version('sacrebleu')}",
        statistics=statistics,
        formula=_ter_of,
        scale=Scale(high=math.inf, better="lower"),
    )


def _ter_of(totals: Array) -> Array:
    """Return 100 * edits / reference words; without any reference word 100, or 0 without edits."""
    edits, length = totals[..., 0], totals[..., 1]
    rate = edits / np.where(length > 0, length, 1.0)
    return 100 * np.where(length > 0, rate, (edits > 0).astype(np.float64))
