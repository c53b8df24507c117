"""Any module of Hugging Face `evaluate`, as far as its value is a mean over items.

Intervals and paired comparisons need statistics that add up over items. A module of `evaluate` is
a closed box, so the only statistic it can give is its value on one item; the mean of those is
the module's own value for accuracy, exact match, ROUGE, …, and is not for corpus BLEU or F1.
`per: corpus` (the default) therefore proves that both are equal, and refuses otherwise.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, cast

from harness.digest import canonical_json
from harness.errors import ConfigError, MissingExtraError
from harness.metrics.base import Array, Item, Scale, Setting
from harness.metrics.custom import refuse_untrusted
from harness.metrics.hub_columns import Columns, UnusableError
from harness.types import Measurement

SAME = 1e-6
"""Largest relative difference between the module's value and the mean over items."""

Per = Literal["item", "corpus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubMetric:
    """The mean of one value that an `evaluate` module computes on each item."""

    module: Any
    """evaluate.EvaluationModule"""
    path: str
    key: str
    per: Per
    kwargs: Mapping[str, Any]
    columns: Columns
    scale: Scale
    name: str = "hub"

    @property
    def signature(self) -> str:
        """Module with the hash of its code, key, arguments and the library's version."""
        kwargs = f"|kwargs:{canonical_json(dict(self.kwargs))}" if self.kwargs else ""
        return (
            f"hub@1|module:{Path(self.path).name}#{_code_hash(self.module)[:12]}|key:{self.key}"
            f"|per:{self.per}{kwargs}|refs:best|evaluate:{version('evaluate')}"
        )

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (value, 1) of each item; None where the answer has no number that is wanted.

        Raises:
            ConfigError: the module fails, or its value is not the mean over items.
        """
        measured: list[Measurement | None] = []
        used: list[dict[str, Any]] = []
        for item in items:
            cells = self.columns.cells(item)
            values = [self._value([cell], item) for cell in cells]
            if not values:
                measured.append(None)
                continue
            pick = min if self.scale.better == "lower" else max
            best = pick(range(len(values)), key=values.__getitem__)
            used.append(cells[best])
            is_extracted = self.columns.finds_label(item)
            measured.append(Measurement(stats=(values[best], 1.0), is_extracted=is_extracted))
        self._prove([m.stats[0] for m in measured if m is not None], used)
        return measured

    def reduce(self, totals: Array) -> Array:
        """Return the sum of values over the number of items."""
        return totals[..., 0] / totals[..., 1]

    def _prove(self, values: Sequence[float], cells: Sequence[dict[str, Any]]) -> None:
        if self.per == "item" or len(values) < 2:
            return
        together = self._value(cells, None)
        refuse_no_mean(self.path, self.key, together, sum(values) / len(values))

    def _value(self, cells: Sequence[Mapping[str, Any]], item: Item | None) -> float:
        return compute(self.module, self.path, self.key, self.kwargs, cells, item)


def hub(
    setting: Setting,
    *,
    path: str,
    key: str | None = None,
    config: str | None = None,
    kwargs: dict[str, Any] | None = None,
    higher_is_better: bool | None = True,
    per: Per = "corpus",
) -> HubMetric:
    """Any module of Hugging Face evaluate by name or folder, run only with --trust-code.

    Args:
        setting: Its folder is where a local module starts.
        path: "./my_metric" (offline), or a name on the hub, such as "accuracy" (network or cache).
        key: Which of the module's values; needed when it gives several.
        config: The module's configuration, such as a GLUE subset.
        kwargs: For its `compute`.
        higher_is_better: null for a gauge.
        per: "corpus": the module's own value, which must be the mean over items; "item": the
            mean of its values on single items, whatever it would say on all together.

    Raises:
        MissingExtraError: `evaluate` is not installed.
        ConfigError: code is not trusted, or the module is missing, unusable or not a mean.
    """
    where = _where(path, setting)
    refuse_untrusted(setting, "hub", where)
    module = _load(where, config)
    try:
        columns = Columns.of(module.features, setting)
        probe = columns.probe()
    except UnusableError as error:
        raise ConfigError(f"metric 'hub': module {path}: {error}") from None
    better = {True: "higher", False: "lower", None: "neither"}[higher_is_better]
    chosen = _probed(module, path, key, kwargs or {}, probe, per)
    return HubMetric(
        module=module,
        path=path,
        key=chosen,
        per=per,
        kwargs=kwargs or {},
        columns=columns,
        scale=Scale(low=-math.inf, high=math.inf, better=cast("Any", better)),
    )


def compute(
    module: Any,
    path: str,
    key: str,
    kwargs: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
    item: Item | None,
) -> float:
    """Return the module's value on some rows together.

    Raises:
        ConfigError: it fails, or gives no number under the key.
    """
    where = f"metric 'hub': module {path}" + (f": item {item.gold.id!r}" if item else "")
    try:
        found = module.compute(**_columnwise(cells), **kwargs)
    except Exception as error:  # another author's code: anything may come
        raise ConfigError(f"{where}: {type(error).__name__}: {_first_line(error)}") from error
    if key not in found:
        raise ConfigError(f"{where}: gives no {key!r}; it gives: {', '.join(map(str, found))}")
    value: Any = found[key]
    rows = cast("list[Any]", value if isinstance(value, list) else [value])
    try:  # a list has one value per row, as BERTScore gives
        number = sum(map(float, rows)) / len(rows)
    except (TypeError, ValueError, ZeroDivisionError):
        raise ConfigError(f"{where}: {key!r} is {value!r}, not a number") from None
    if not math.isfinite(number):
        raise ConfigError(f"{where}: {key!r} is {number}; it cannot be averaged")
    return number


def refuse_no_mean(path: str, key: str, together: float, mean: float) -> None:
    """Refuse a module whose value on all items is not the mean of its values on each.

    Raises:
        ConfigError: they differ.
    """
    if abs(together - mean) > SAME * max(1.0, abs(together)):
        raise ConfigError(
            f"metric 'hub': module {path}: {key!r} is {together:.6g} on the items together, but "
            f"{mean:.6g} is the mean over single items: it does not add up over items, so it can "
            "have no paired interval. Use a metric of Tunemark's own that does (see "
            "`tunemark metrics`), or say `per: item` to report the mean over items"
        )


def _probed(
    module: Any,
    path: str,
    key: str | None,
    kwargs: Mapping[str, Any],
    probe: Sequence[Mapping[str, Any]],
    per: Per,
) -> str:
    """Choose the key, and find out before any model is loaded whether the value is a mean."""
    try:
        found = module.compute(**_columnwise(probe), **kwargs)
    except Exception:  # the module wants other texts than the probe's: the first items will tell
        if key is None:
            raise ConfigError(
                f"metric 'hub': module {path}: name the value to report: `key: …`"
            ) from None
        return key
    if key is None and len(found) != 1:
        raise ConfigError(
            f"metric 'hub': module {path} gives several values; choose one with `key`: "
            f"{', '.join(map(str, found))}"
        )
    chosen = key or str(next(iter(found)))
    together = compute(module, path, chosen, kwargs, probe, None)
    if per == "corpus":
        values = [compute(module, path, chosen, kwargs, [cell], None) for cell in probe]
        refuse_no_mean(path, chosen, together, sum(values) / len(values))
    return chosen


def _where(path: str, setting: Setting) -> str:
    """Return a local module's folder or file, or the name on the hub as it stands."""
    local = (setting.folder or Path()) / path
    is_local = path.startswith((".", "/")) or path.endswith(".py")
    return str(local.resolve()) if is_local or local.exists() else path


def _load(where: str, config: str | None) -> Any:
    if Path(where).is_absolute() and not _script(Path(where)).is_file():
        raise ConfigError(f"metric 'hub': {_script(Path(where))}: no such file")
    return _loaded(where, config)


@cache
def _loaded(where: str, config: str | None) -> Any:
    try:
        import evaluate
    except ImportError:
        raise MissingExtraError("metric 'hub'", "evaluate") from None
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        import evaluate.config as settings

        settings.HF_EVALUATE_OFFLINE = True  # it knows only a variable of its own
    try:
        return evaluate.load(where, config, keep_in_memory=True)
    except (FileNotFoundError, ConnectionError) as error:
        raise ConfigError(
            f"metric 'hub': module {where!r}: neither in the local cache nor on the hub "
            f"({_first_line(error)}); check the name and the network, or give its folder "
            "as ./…"
        ) from None
    except Exception as error:  # another author's code: anything may come
        raise ConfigError(
            f"metric 'hub': module {where}: {type(error).__name__}: {_first_line(error)}"
        ) from error


def _script(path: Path) -> Path:
    return path if path.suffix == ".py" else path / f"{path.name}.py"


def _code_hash(module: Any) -> str:
    """Return the hash that `evaluate` took of the module's code: the folder it imports it from."""
    return type(module).__module__.split(".")[-2]


def _columnwise(cells: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [cell[name] for cell in cells] for name in cells[0]}


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else "no message"
