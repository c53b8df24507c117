"""A metric in one Python file beside a suite, run only where the user trusts it."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from harness.digest import digest_of, file_digest
from harness.errors import ConfigError, suggestion
from harness.metrics.base import Array, Item, Metric, Scale, Setting
from harness.spec import Spec, call_with
from harness.types import Measurement

TRUST = "--trust-code"
WANTED = ("name", "signature", "scale", "measure", "reduce")
"""What a factory's result must have: the attributes of `Metric`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetric:
    """A metric of somebody else's, with its faults explained and its code in the signature."""

    inner: Metric
    file: Path
    digest: str
    """SHA-256 of the file."""
    parameters: str
    """Digest of the factory's parameters; empty without any."""
    name: str = "custom"

    @property
    def signature(self) -> str:
        """The metric's own, with the code and the parameters that it was made of."""
        parameters = f"|params:{self.parameters[:12]}" if self.parameters else ""
        own = self.inner.signature
        return f"custom@1|{own}|file:{self.file.name}|code:{self.digest[:12]}{parameters}"

    @property
    def scale(self) -> Scale:
        """The metric's own."""
        return self.inner.scale

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Measure with the user's code.

        Raises:
            ConfigError: the code fails, or gives something that is not a measurement.
        """
        try:
            found = self.inner.measure(items)
        except Exception as error:  # another author's code: anything may come
            raise ConfigError(f"{_place(self.file, error)}: {_told(error)}") from error
        if len(found) != len(items):
            raise ConfigError(
                f"{self.file}: measured {len(found)} of {len(items)} items; return one "
                "measurement (or None) per item"
            )
        for item, one in zip(items, found, strict=True):
            if one is not None and not _is_sound(one):
                raise ConfigError(
                    f"{self.file}: item {item.gold.id!r}: statistics must be finite numbers, "
                    f"got {one!r}; return None for what cannot be scored"
                )
        return found

    def reduce(self, totals: Array) -> Array:
        """Return the metric's own value."""
        return self.inner.reduce(totals)


def custom(
    setting: Setting,
    *,
    value: str | None = None,
    file: str | None = None,
    name: str | None = None,
    **parameters: object,
) -> CustomMetric:
    """Your own metric from a Python file in the suite's folder, run only with --trust-code.

    Args:
        setting: Its folder is where `file` starts.
        value: The file, in the short form `{custom: my_metric.py}`.
        file: The same, beside other parameters.
        name: The factory in it, which is made like any built-in metric; by default the one that
            is called like the file.
        parameters: For the factory.

    Raises:
        ConfigError: code is not trusted, or the file, the factory or its result is wrong.
    """
    if (value is None) == (file is None):
        raise ConfigError("metric 'custom' needs a file: {custom: my_metric.py}")
    path = (setting.folder or Path()) / (value or file or "")
    refuse_untrusted(setting, "custom", path)
    if not path.is_file():
        near = suggestion(path.name, [entry.name for entry in path.parent.glob("*.py")])
        raise ConfigError(f"metric 'custom': {path}: no such file{near}")
    digest = file_digest(path)
    factory = _factory(path, digest, name or path.stem)
    inner = _checked(call_factory(factory, setting, path, parameters), path)
    return CustomMetric(
        inner=inner,
        file=path,
        digest=digest,
        parameters=digest_of(parameters) if parameters else "",
    )


def refuse_untrusted(setting: Setting, metric: str, code: object) -> None:
    """Refuse to run another author's Python unless the user has said that it may be run.

    Raises:
        ConfigError: it was not said.
    """
    if not setting.trusts_code:
        raise ConfigError(
            f"metric {metric!r} runs Python code from {code}; read it, and if you trust it, "
            f"say so: {TRUST}"
        )


def call_factory(
    factory: Callable[..., Any], setting: Setting, path: Path, parameters: dict[str, object]
) -> object:
    """Make the metric; faults of the code are told with its line."""
    spec = Spec(name=f"custom({path.name})", params=parameters)
    try:
        return call_with(factory, setting, spec, kind="metric")
    except ConfigError:
        raise
    except Exception as error:  # another author's code: anything may come
        raise ConfigError(f"{_place(path, error)}: {_told(error)}") from error


def _factory(path: Path, digest: str, name: str) -> Callable[..., Any]:
    module = _module(path.resolve(), digest)
    found = getattr(module, name, None)
    if not callable(found):
        own = [
            key
            for key, member in vars(module).items()
            if callable(member) and getattr(member, "__module__", "") == module.__name__
        ]
        offer = f"; it defines: {', '.join(own)}" if own else ""
        raise ConfigError(
            f"metric 'custom': {path} has no function {name!r}{suggestion(name, own)}{offer}"
        )
    return cast("Callable[..., Any]", found)


@cache
def _module(path: Path, digest: str) -> ModuleType:
    """Run the file once for its content; the name keeps equally called files apart."""
    module = ModuleType(f"tunemark_custom_{path.stem}_{digest[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and annotations look their module up
    try:
        code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        exec(code, vars(module))
    except Exception as error:
        del sys.modules[module.__name__]
        raise ConfigError(f"{_place(path, error)}: {_told(error)}") from error
    return module


def _checked(found: object, path: Path) -> Metric:
    missing = [attribute for attribute in WANTED if not hasattr(found, attribute)]
    if missing:
        raise ConfigError(
            f"{path}: the factory returned a {type(found).__name__} without "
            f"{', '.join(missing)}; return a Metric, such as harness.metrics.base.MeanMetric"
        )
    return cast("Metric", found)


def _is_sound(one: object) -> bool:
    if not isinstance(one, Measurement):
        return False
    stats = cast("tuple[object, ...]", one.stats)
    return all(isinstance(number, int | float) and math.isfinite(number) for number in stats)


def _place(path: Path, error: Exception) -> str:
    """Return file and line of the last step inside the user's file."""
    if isinstance(error, SyntaxError):
        return f"{path}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _told(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"
