"""What ratings are good for besides measuring: preference pairs, and corrections of the gold set."""

from __future__ import annotations

from sqlalchemy.orm import Session

from harness.annotation.adjudicate import last_words
from harness.annotation.database import Database
from harness.annotation.errors import SessionStateError
from harness.annotation.export.rows import SessionExport, exported_items
from harness.annotation.lookup import session_named


def preference_pairs(export: SessionExport, *, at_least: int = 1) -> list[dict[str, object]]:
    """Return pairs for preference training (DPO): those on whose winner everybody agrees.

    Args:
        export: Of an unblinded session.
        at_least: Raters who must have decided.

    Raises:
        SessionStateError: the session is not unblinded.
    """
    if not export.is_unblinded:
        raise SessionStateError(
            "preference pairs tell which run won; close and unblind the session first"
        )
    told: dict[str, dict[str, list[str]]] = {}
    for row in export.rows:
        if row.counts and row.source in {"raters", "import"} and row.preference is not None:
            own = told.setdefault(row.item_key, {})
            own.setdefault(row.answer, []).append(row.preference.outcome)
    pairs: list[dict[str, object]] = []
    for item in export.items:
        outcomes = told.get(item.key, {})
        winner = [digest for digest, said in outcomes.items() if set(said) == {"win"}]
        if item.kind != "plain" or len(winner) != 1 or len(item.answers) != 2:
            continue
        n = len(outcomes[winner[0]])
        if n < at_least:
            continue
        chosen, rejected = sorted(item.answers, key=lambda answer: answer.digest != winner[0])
        pairs.append(
            {
                "prompt": item.prompt,
                "chosen": chosen.text,
                "rejected": rejected.text,
                "item": item.gold_id,
                "chosen_run": chosen.runs[0],
                "rejected_run": rejected.runs[0],
                "n_raters": n,
            }
        )
    return pairs


def gold_patch(database: Database, name: str) -> list[dict[str, object]]:
    """Return what adjudicators want changed in the gold set: old and new references, and why.

    Raises:
        AnnotationError: there is no session of that name.
    """

    def work(session: Session) -> list[dict[str, object]]:
        row = session_named(session, name)
        items = {item.id: item for item in exported_items(session, row)}
        return [
            {
                "id": items[item_id].gold_id,
                "references": list(decided.gold_change["references"]),
                "was": list(items[item_id].references),
                "why": decided.note,
                "gold_digest": row.gold_digest,
            }
            for item_id, decided in last_words(session, row).items()
            if decided.gold_change is not None
        ]

    return database.read(work)
