"""`tunemark annotate` from runs to a gate: the demo's answers, rated by two scripted raters."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.annotation.assign import claim
from harness.annotation.database import Database, open_database
from harness.annotation.entry import redeem
from harness.annotation.submit import submit
from harness.annotation.views import AnswerScores, Slot, Submission, Task
from tests.harness.cli.support import Done

Tunemark = Callable[..., Done]
POLICY = """\
name: people
suites: [{suite}]
baseline: {{clinic-en: {base}}}
primary:
- {{suite: clinic-en, metric: truth, require: improved}}
limits: {{critical_items: 0, coverage: 0.4}}
ratings: [{ratings}]
"""


@pytest.fixture
def workspace(demo_runs: Path, ROOT: Path, tmp_path: Path) -> Path:
    """Return a folder with the demo's runs and its suite, which asks for a human metric."""
    suite = tmp_path / "clinic"
    shutil.copytree(ROOT / "suites" / "clinic-en", suite)
    text = (suite / "suite.yaml").read_text(encoding="utf-8")
    human = "{human: {dimension: truthfulness, as: truth}}"
    text = text.replace("[exact_match, token_f1]", f"[exact_match, token_f1, {human}]")
    (suite / "suite.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def run_of(workspace: Path, name: str) -> Path:
    return next((workspace / "runs" / "clinic-en").glob(f"{name}-*"))


def script(database: Database, handle: str, *, severity: int) -> int:
    """Rate everything as a person would who compares words with the reference; return how many."""
    n = 0
    task: Any = claim(database, "clinic", handle)
    while isinstance(task, Task):
        good: dict[Slot, float] = {
            answer.slot: _likeness(answer.text, task.references) for answer in task.answers
        }
        answers: dict[Slot, AnswerScores] = {
            slot: AnswerScores(
                values={
                    scale.name: max(1, min(5, round(1 + 4 * share) - severity))
                    for scale in task.asked.scales
                }
            )
            for slot, share in good.items()
        }
        choice: Any = None
        if task.asked.preference is not None:
            gap = good["A"] - good["B"]
            choice = "tie" if gap == 0 else "A" if gap > 0 else "B"
        said = Submission(
            assignment=task.assignment, token=f"{handle}-{n:04d}-x", answers=answers,
            choice=choice, strength=int(choice in {"A", "B"}), comment="by its words",
            elapsed_ms=30_000,
        )  # fmt: skip
        task = submit(database, "clinic", handle, said).next
        n += 1
    return n


def _likeness(answer: str, references: tuple[str, ...]) -> float:
    said = set(re.findall(r"\w+", answer.lower()))
    return max(
        len(said & right) / max(1, len(said | right))
        for right in (set(re.findall(r"\w+", one.lower())) for one in references)
    )


def prepared(tunemark: Tunemark, workspace: Path) -> None:
    root = workspace / "runs"
    runs = [run_of(workspace, name) for name in ("base", "lora-r16-replay")]
    (workspace / "session.yaml").write_text(
        "name: clinic\nreferences: open\ntasks: [formulary, extraction]\nlimit: 40\n"
        "raters_per_item: all\nrepeats: {share: 0.0}\n",
        encoding="utf-8",
    )
    made = tunemark("annotate", "new", workspace / "clinic", *runs, "--config",
                    workspace / "session.yaml", "--root", root)  # fmt: skip
    assert made.code == 0, made.err
    assert "40 items to rate" in made.out
    assert tunemark("annotate", "open", "clinic", "--root", root).code == 0
    empty = tunemark("annotate", "report", "clinic", "--root", root)
    assert "undefined: there is no rating" in empty.out, empty.err
    database = open_database(root / "annotations.db")
    for handle, severity in (("ann", 0), ("ben", 1)):
        done = tunemark("annotate", "invite", "clinic", handle, "--json", "--root", root)
        redeem(database, json.loads(done.out)["invite"])
        script(database, handle, severity=severity)
    database.close()


@pytest.mark.slow
def test_two_scripted_raters_find_the_winner_and_the_gate_passes_it(
    tunemark: Tunemark, workspace: Path
) -> None:
    prepared(tunemark, workspace)
    root = workspace / "runs"
    blind = json.loads(tunemark("annotate", "report", "clinic", "--json", "--root", root).out)
    for verb in ("close", "unblind"):
        assert tunemark("annotate", verb, "clinic", "--root", root).code == 0
    report = json.loads(tunemark("annotate", "report", "clinic", "--json", "--root", root).out)
    export = tunemark(
        "annotate", "export", "clinic", "--out", workspace / "r.jsonl", "--root", root
    )
    beside = tunemark("annotate", "export", "clinic", "--beside-runs", "--root", root)
    base, tuned = (run_of(workspace, name) for name in ("base", "lora-r16-replay"))
    (workspace / "gate.yaml").write_text(
        POLICY.format(suite=workspace / "clinic", base=base, ratings="r.jsonl"), encoding="utf-8"
    )
    assert tunemark("gate", workspace / "gate.yaml", "--pin").code == 0

    gate = tunemark("gate", workspace / "gate.yaml", tuned)
    compared = tunemark("compare", base, tuned, "--suite", workspace / "clinic", "--json")

    assert blind["runs"] == []
    truth = {one["run"]: one["means"]["truthfulness"] for one in report["runs"]}
    assert truth[tuned.name] > truth[base.name] + 0.5
    ann, ben = report["severities"]
    assert ann["deviation"] == -ben["deviation"] > 0.2  # ben is the severe one
    scale = report["agreement"][0]
    assert [one["name"][:5] for one in scale["coefficients"]][:2] == ["Kripp", "Gwet'"]
    assert 0 < scale["coefficients"][0]["value"] < 1  # one is more severe than the other
    assert scale["coefficients"][2]["value"] == 1  # by one point at most
    assert (export.code, beside.code) == (0, 0)
    assert gate.code == 0, gate.out + gate.err
    assert "truth" in compared.out
    assert "human@1|scale:truthfulness" in compared.out


def test_status_counts_and_lists_without_naming_who_wins(
    tunemark: Tunemark, workspace: Path
) -> None:
    prepared(tunemark, workspace)

    status = tunemark("annotate", "status", "--root", workspace / "runs")
    disputes = tunemark("annotate", "adjudicate", "clinic", "--root", workspace / "runs")

    assert "80 of 80 ratings, 40 items complete" in status.out
    assert "Nothing to decide." in disputes.out


def test_a_session_that_is_not_there_is_one_message(tunemark: Tunemark, workspace: Path) -> None:
    none = tunemark("annotate", "status", "clinic", "--root", workspace / "runs")
    prepared(tunemark, workspace)
    typo = tunemark("annotate", "close", "clinc", "--root", workspace / "runs")

    assert none.code == 1
    assert "begin with `annotate new`" in none.err
    assert (typo.code, typo.out) == (2, "")
    assert "did you mean 'clinic'" in typo.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give the session a --name"),
        (("--name", "Two Words"), "name"),
        (("--name", "x", "--raters", "none"), "raters_per_item"),
        (("--name", "lora-r16-replay"), "names one of the runs"),
    ],
)
def test_a_wrong_session_is_refused_before_anything_is_stored(
    tunemark: Tunemark, workspace: Path, options: tuple[str, ...], message: str
) -> None:
    runs = [run_of(workspace, name) for name in ("base", "lora-r16-replay")]

    done = tunemark("annotate", "new", workspace / "clinic", *runs, *options, "--root",
                    workspace / "runs")  # fmt: skip

    assert done.code == 2
    assert message in done.err
