"""Find and load lm-eval tasks, with the seeds that its own command sets, and build their requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import ConfigError, InputError, MissingExtraError, UnknownNameError
from harness.quiet import quieten
from harness.registry import LM_EVAL_PREFIX as PREFIX
from harness.suite import LmEvalOptions

RANDOM_SEED, OTHER_SEED = 0, 1234
"""lm-eval's own defaults (lm_eval.defaults)."""
Render = Callable[..., str]
"""lm-eval's `apply_chat_template`: a chat history becomes text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTasks:
    """A task, tag or group of lm-eval with everything under it."""

    name: str
    options: LmEvalOptions
    tasks: Mapping[str, Any]
    """lm_eval.api.task.Task by name."""
    groups: Mapping[str, Any]
    manager: Any

    @property
    def roots(self) -> list[Any]:
        """What to hand to lm-eval: the group itself, or its tasks."""
        return [self.groups[self.name]] if self.name in self.groups else list(self.tasks.values())


def installed_version() -> str:
    """Return lm-eval's version without importing it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return version("lm_eval")
    except PackageNotFoundError:
        raise MissingExtraError(
            "suites named lm-eval/TASK need lm-eval, which", "lm-eval"
        ) from None


def load_tasks(name: str, options: LmEvalOptions) -> LoadedTasks:
    """Load a task by name; its data comes from the hub, its cache or local files.

    Raises:
        UnknownNameError: lm-eval has no such task.
        InputError: the task or its data cannot be loaded.
    """
    installed_version()
    quieten()
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise InputError(f"lm-eval cannot be imported: {error}") from None
    _seed()
    manager = _manager_with(TaskManager, name, options)
    with _as_input_error(f"{PREFIX}{name}"):
        loaded: Mapping[str, Any] = manager.load([name])
    for task in loaded["tasks"].values():
        if getattr(task, "UNSAFE_CODE", False):
            raise InputError(
                f"{PREFIX}{name}: this task runs code that the model writes; Tunemark does not: "
                "run it with lm_eval itself, in a sandbox"
            )
    return LoadedTasks(
        name=name,
        options=options,
        tasks=loaded["tasks"],
        groups=loaded.get("groups", {}),
        manager=manager,
    )


def build_requests(
    loaded: LoadedTasks, *, render: Render | None = None, tokenizer_name: str = ""
) -> dict[str, list[Any]]:
    """Return every request (lm_eval.api.instance.Instance) by task, as lm-eval builds them.

    Args:
        loaded: The tasks.
        render: The chat template; None for prompts without one.
        tokenizer_name: For lm-eval's cache, which stays off.

    Raises:
        InputError: a document does not fit its task.
    """
    found: dict[str, list[Any]] = {}
    options = loaded.options
    for name, task in loaded.tasks.items():
        _set_shots(task, options.num_fewshot)
        with _as_input_error(f"{PREFIX}{loaded.name}: {name}"):
            task.build_all_requests(
                limit=options.limit,
                rank=0,
                world_size=1,
                system_instruction=options.system_instruction,
                apply_chat_template=render is not None,
                fewshot_as_multiturn=render is not None,
                chat_template=render,
                tokenizer_name=tokenizer_name,
            )
        found[name] = list(task.instances)
    return found


def evaluate(loaded: LoadedTasks, lm: Any, *, bootstrap_draws: int = 0) -> Mapping[str, Any]:
    """Return lm-eval's own results (lm_eval.result_schema.EvalResults) for a model.

    Args:
        loaded: The tasks.
        lm: An lm_eval.api.model.LM.
        bootstrap_draws: For lm-eval's standard errors; 0 leaves them out.
    """
    from lm_eval import evaluator

    lm_evaluate: Any = evaluator.evaluate

    options = loaded.options
    for task in loaded.tasks.values():
        _set_shots(task, options.num_fewshot)
    with redirect_stdout(StringIO()):  # it prints about its bootstrap
        return lm_evaluate(
            lm,
            {"tasks": dict(loaded.tasks), "groups": dict(loaded.groups)},
            limit=options.limit,
            bootstrap_iters=bootstrap_draws,
            system_instruction=options.system_instruction,
            apply_chat_template=options.apply_chat_template,
            fewshot_as_multiturn=options.apply_chat_template,
        )


def documents(loaded: LoadedTasks, task: str) -> list[tuple[int, Any]]:
    """Return (number, document) of a task, within the limit."""
    return list(loaded.tasks[task].doc_iterator(rank=0, limit=loaded.options.limit, world_size=1))


def _manager_with(task_manager: Any, name: str, options: LmEvalOptions) -> Any:
    """Return a task manager that knows the name; the user's own folder is looked at first."""
    if options.include is not None:
        if not Path(options.include).is_dir():
            raise ConfigError(f"include: {options.include}: no such folder")
        own = task_manager(include_path=options.include, include_defaults=False)
        if name in own.task_index:
            return own
    manager = task_manager(include_path=options.include)
    if name not in manager.task_index:
        known = list(manager.task_index)
        near = UnknownNameError("lm-eval task", name, known)
        listed = str(near).partition("; known:")[0]
        raise InputError(
            f"{listed}; `lm-eval ls tasks` lists all; your own are found in the folder that "
            "`include` names"
        )
    return manager


def _set_shots(task: Any, wanted: int | None) -> None:
    """Set the number of solved examples and their seed exactly as lm_eval.simple_evaluate does."""
    own = task.get_config("num_fewshot")
    if wanted is not None and own != 0:
        task.set_config(key="num_fewshot", value=wanted)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=OTHER_SEED)


def _seed() -> None:
    import random

    import torch

    random.seed(RANDOM_SEED)
    np.random.seed(OTHER_SEED)  # noqa: NPY002 - the generator that tasks use
    torch.manual_seed(OTHER_SEED)


@contextmanager
def _as_input_error(where: str) -> Iterator[None]:
    """Say in one message what a task's YAML, Python or data has wrong."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    except Exception as error:  # a task is other people's code: anything may come
        lines = str(error).strip().splitlines()
        told = lines[0] if lines else ""
        raise InputError(
            f"{where}: lm-eval cannot load this: {type(error).__name__}: {told[:300]}"
        ) from error
    finally:
        logging.disable(before)
