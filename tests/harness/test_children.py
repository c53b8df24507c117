from __future__ import annotations

from pathlib import Path

import pytest

from harness.children import child_main, explain_fault, run_child
from harness.errors import ModelError, RunError

FAILURES = {
    "an exit code": ("import sys; sys.exit(3)", "training x: ended with exit code 3"),
    "a kill": (
        "import os; os.kill(os.getpid(), 9)",
        "training x: killed by the system, most likely out of memory",
    ),
    "a signal": ("import os; os.kill(os.getpid(), 15)", "training x: ended by signal 15"),
}


def test_a_child_that_ends_well_raises_nothing(tmp_path: Path) -> None:
    run_child(["-c", "pass"], folder=tmp_path, what="training x")


@pytest.mark.parametrize(("program", "message"), FAILURES.values(), ids=FAILURES)
def test_a_childs_end_is_told_in_words(tmp_path: Path, program: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        run_child(["-c", program], folder=tmp_path, what="training x")

    assert str(caught.value).startswith(message)
    assert "run the same command again" in str(caught.value)


@pytest.mark.parametrize("end", ["sys.exit(130)", "os.kill(os.getpid(), 2)"])
def test_an_interrupted_child_interrupts_its_parent(tmp_path: Path, end: str) -> None:
    program = f"import os, signal, sys; signal.signal(2, signal.SIG_DFL); {end}"

    with pytest.raises(KeyboardInterrupt):
        run_child(["-c", program], folder=tmp_path, what="training x")


def test_an_old_note_does_not_explain_a_new_failure(tmp_path: Path) -> None:
    (tmp_path / "failure.json").write_text('{"message": "old"}', encoding="utf-8")

    with pytest.raises(RunError, match="ended with exit code 3"):
        run_child(["-c", "import sys; sys.exit(3)"], folder=tmp_path, what="training x")


def refuse() -> None:
    raise ModelError("no such model")


def break_down() -> None:
    raise ZeroDivisionError("division by zero")


def test_a_childs_own_words_reach_the_note(tmp_path: Path) -> None:
    code = child_main(refuse, folder=tmp_path)

    assert code == 2
    assert "no such model" in (tmp_path / "failure.json").read_text(encoding="utf-8")


def test_an_unexpected_fault_leaves_its_traceback_in_a_log(tmp_path: Path) -> None:
    code = child_main(break_down, folder=tmp_path)

    assert code == 1
    assert "unexpected ZeroDivisionError" in (tmp_path / "failure.json").read_text("utf-8")
    assert "Traceback" in (tmp_path / "failure.log").read_text(encoding="utf-8")


FAULTS = {
    "memory": (MemoryError(), "out of memory; halve micro_batch"),
    "torch's allocator": (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory"),
    "a full disk": (OSError(28, "No space left on device"), "is full; free some space"),
    "a forbidden file": (PermissionError(13, "Permission denied", "x.bin"), "x.bin: Permission denied"),
    "no words": (ValueError(), "unexpected ValueError: no message"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_explained_in_one_sentence(fault: Exception, message: str) -> None:
    found = explain_fault(fault, Path("runs"))

    assert message in found
    assert "\n" not in found
