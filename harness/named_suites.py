"""A suite by what it is called: a folder, the name of a shipped one, or lm-eval/TASK."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ConfigError
from harness.registry import LM_EVAL_PREFIX, LM_EVAL_SUITE, load_object
from harness.suite import LmEvalOptions, Selection, Suite


def is_lm_eval(reference: str, here: Path) -> bool:
    """Tell whether a suite is named as lm-eval/TASK, and is no folder."""
    return reference.startswith(LM_EVAL_PREFIX) and not (here / reference).exists()


def lm_eval_suite(
    reference: str,
    root: Path,
    options: LmEvalOptions,
    selection: Selection,
    *,
    here: Path,
    where: str,
) -> Suite:
    """Return the suite of an lm-eval task, which is kept among the runs.

    Args:
        reference: lm-eval/TASK.
        root: Folder of all runs.
        options: How lm-eval is to ask.
        selection: What is said for suites in general.
        here: Folder from which relative paths are meant.
        where: For messages.

    Raises:
        InputError: there is no such task, or it cannot be loaded.
    """
    if selection.data is not None or selection.limit_seed is not None:
        raise ConfigError(
            f"{where}: lm-eval finds a task's data by itself, and takes the first documents: "
            "leave `data` and `limit_seed` out"
        )
    return load_object(LM_EVAL_SUITE)(reference, root, options, base=here)


def refuse_lm_eval_options(options: LmEvalOptions, *, where: str) -> None:
    """Check that nothing is said for lm-eval.

    Raises:
        ConfigError: an option that only lm-eval tasks have.
    """
    given = [name for name in options.model_dump(exclude_defaults=True) if name != "limit"]
    if given:
        raise ConfigError(f"{where}: {', '.join(given)} is for suites named lm-eval/TASK")
