"""Find the class that an answer names: the likeliest choice, or the label in its text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.digest import digest_of
from harness.errors import ConfigError, GoldError
from harness.metrics.base import Item
from harness.metrics.normalise import find_word
from harness.types import GoldRecord

Several = Literal["abstain", "first", "last"]
MOST_LABELS = 300
"""More than this many are not classes but free answers."""
LONGEST_LIST = 60
"""Characters of labels that a signature spells out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The class of one item and the class that its answer names."""

    gold: int
    """Index of a label; of the right one that was predicted, where several are right."""
    predicted: int | None
    """None: no label in the answer, or several."""
    is_right: bool


@dataclass(frozen=True)
class Labels:
    """The classes of a task and the rule by which they are found in a text."""

    names: tuple[str, ...]
    several: Several = "abstain"

    @property
    def signature(self) -> str:
        """Labels (or their digest) and rule."""
        listed = ",".join(self.names)
        if len(listed) > LONGEST_LIST:
            listed = f"{len(self.names)}-{digest_of(list(self.names))[:8]}"
        return f"labels:{listed}|several:{self.several}"

    def index(self, text: str) -> int | None:
        """Return the label that a text is, whatever its case and the punctuation around it."""
        form = _form(text)
        found = self._by_form.get(form)
        return self._by_form.get(_stripped(form)) if found is None else found

    def find(self, text: str) -> int | None:
        """Return the label that a text names, or None where none or several occur.

        LawBench's rule (Fei et al. 2023): the one label that occurs. Latin labels must be whole
        words, a label of one letter must have its own case, and a label inside of a longer one
        that was found does not count.
        """
        whole = self.index(text)
        if whole is not None:
            return whole
        cased = _plain(text)
        lowered = _lowered(cased)
        places: list[tuple[int, int]] = []
        for needle, is_cased, label in self._needles:
            at = find_word(needle, cased if is_cased else lowered)
            while at >= 0:
                places.append((at, label))
                # Taken characters cannot be a part of a shorter label.
                end = at + len(needle)
                taken = "\0" * len(needle)
                cased = cased[:at] + taken + cased[end:]
                lowered = lowered[:at] + taken + lowered[end:]
                at = find_word(needle, cased if is_cased else lowered, end)
        found = {label for _, label in places}
        if len(found) == 1 or (found and self.several != "abstain"):
            return min(places)[1] if self.several == "first" else max(places)[1]
        return None

    @cached_property
    def _by_form(self) -> dict[str, int]:
        return {_form(name): i for i, name in reversed(list(enumerate(self.names)))}

    @cached_property
    def _needles(self) -> list[tuple[str, bool, int]]:
        """Return (what to look for, whether its case counts, label), the longest first."""
        plain = [(i, _plain(name)) for i, name in enumerate(self.names)]
        needles = [
            (name, True, i) if len(name) == 1 else (_lowered(name), False, i) for i, name in plain
        ]
        return sorted(needles, key=lambda needle: -len(needle[0]))


def labels_of(records: Iterable[GoldRecord]) -> tuple[str, ...]:
    """Return the classes that a gold set uses: its references, or choices that never change.

    Multiple choice items that each have their own choices have no classes: ().
    """
    names: list[str] = []
    offers: set[frozenset[str]] = set()
    for record in records:
        names += record.choices or record.references
        if record.choices:
            offers.add(frozenset(record.choices))
    return () if len(offers) > 1 else tuple(dict.fromkeys(names))


def class_labels(names: Sequence[str], several: Several, *, metric: str) -> Labels:
    """Return the labels of a task, each once.

    Raises:
        ConfigError: so many that they must be free answers.
    """
    by_form = {_form(name): name for name in reversed(names)}
    kept = tuple(name for name in dict.fromkeys(names) if by_form[_form(name)] == name)
    if len(kept) > MOST_LABELS:
        raise ConfigError(
            f"metric {metric!r} looks for a class, but the references are {len(kept)} different "
            "texts; name the classes with `labels:` in the task, or use `exact_match`"
        )
    return Labels(kept, several)


def read_item(item: Item, labels: Labels) -> Reading | None:
    """Return the classes of an item, or None for a choice item without likelihoods.

    Raises:
        GoldError: the right answer is not one of the labels.
    """
    gold, completion = item.gold, item.completion
    if not gold.choices:
        right = [_known(gold, reference, labels) for reference in gold.references]
        predicted = labels.find(completion.text)
    elif completion.choice_logprobs is None or gold.answer is None:
        return None
    else:
        right = [_known(gold, gold.choices[gold.answer], labels)]
        predicted = _known(gold, gold.choices[likeliest(completion.choice_logprobs)], labels)
    if not right:
        raise GoldError(f"{gold.id!r}: no reference, so that its class is not known")
    if predicted is not None and predicted in right:
        return Reading(gold=predicted, predicted=predicted, is_right=True)
    return Reading(gold=right[0], predicted=predicted, is_right=False)


def likeliest(logprobs: Sequence[float]) -> int:
    """Return the index of the highest; ties go to the first, as in numpy.argmax and lm-eval."""
    return logprobs.index(max(logprobs))


def _known(gold: GoldRecord, text: str, labels: Labels) -> int:
    index = labels.index(text)
    if index is None:
        raise GoldError(
            f"{gold.id!r}: the right answer {text!r} is not one of the labels "
            f"({', '.join(labels.names)}); add it to the task's `labels:` or mend the gold item"
        )
    return index


def _form(text: str) -> str:
    return _lowered(_plain(text))


def _stripped(text: str) -> str:
    """Drop punctuation and symbols at both ends."""
    kept = [i for i, char in enumerate(text) if unicodedata.category(char)[0] not in "PSZ"]
    return text[kept[0] : kept[-1] + 1] if kept else text


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _lowered(text: str) -> str:
    """Lower the case, character by character, so that positions stay."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
