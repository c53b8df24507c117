"""Small corpora with the cases that implementations differ on."""

from __future__ import annotations

from typing import Any

from tests.harness.metrics.support import Pairs

# The three-segment example of sacrebleu's own tests (test/test_bleu.py).
SACREBLEU = (
    ("The dog bit the man.", ("The dog bit the man.", "The dog had bit the man.")),
    ("It wasn't surprising.", ("It was not unexpected.", "No one was surprised.")),
    ("The man had just bitten him.", ("The man bit him first.", "The man had bitten the dog.")),
)

CORPORA: dict[str, Pairs] = {
    "two references": SACREBLEU,
    "one reference": [(answer, references[:1]) for answer, references in SACREBLEU],
    "uneven references": [
        ("the cat sat on the mat", ("the cat sat on a mat",)),
        ("a dog barked at us", ("a dog barked at them", "the dog barked loudly at us")),
        ("it rains again today", ("today it rains", "it rains again today", "rain")),
    ],
    "an empty answer": [("", ("a b c d e",)), ("a b c d x", ("a b c d e",))],
    "only empty answers": [("", ("a b",)), ("", ("c d",))],
    "no match": [("x y z w v", ("a b c d e",))],
    "no four-gram": [("the cat sat", ("the cat sat",))],
    "empty higher orders": [("the b cat d sat f", ("the x cat y sat z",))],
    "two empty orders": [("a b x y c d", ("a b q r c e",)), ("m n", ("n m",))],
    "a short answer": [("the cat", ("the cat sat on the mat all day long",))],
    "a long answer": [("the cat sat on the mat all day long", ("the cat sat on it",))],
    "punctuation and case": [("Hello, World! (It's 3.5%.)", ("hello world, it's 3.5 %",))],
    "repeated words": [("the the the the the the", ("the cat is on the mat",))],
    "several lines": [("first line\nsecond line here", ("first line\nsecond one here",))],
    "identical": [("a perfectly equal answer", ("a perfectly equal answer",))],
    "accents": [("Ärzte für Ökologie gehen", ("Ärzte für Ökologie gingen",))],
    "Chinese": [
        ("患者每日口服两片。", ("患者每日口服一片。", "每日两片口服")),
        ("他今天没有发烧", ("他今天不发烧。",)),
    ],
    "mixed Chinese and English": [("服用Aspirin 100mg，每日1次", ("口服aspirin 100 mg，1次／日",))],
    "full-width digits": [("剂量为１２．５毫克", ("剂量为12.5毫克",))],
}


def streams(pairs: Pairs) -> Any:
    """Turn references by item into sacrebleu's reference streams, None where one has fewer."""
    most = max(len(references) for _, references in pairs)
    padded = [[*references, *[None] * (most - len(references))] for _, references in pairs]
    return [list(stream) for stream in zip(*padded, strict=True)]
