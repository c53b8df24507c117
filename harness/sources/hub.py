"""Rows of a data set that the `datasets` library finds: on the hub, in its cache or in a folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataError, MissingExtraError
from harness.quiet import quieten
from harness.sources.config import HubData
from harness.sources.layouts import Row


def hub_rows(hub: HubData, *, obtain: str) -> Iterator[Row]:
    """Yield the rows of a split.

    Args:
        hub: Which data set.
        obtain: Where else a person gets the data, for the message when it cannot be had here.

    Raises:
        MissingExtraError: `datasets` is not installed.
        DataError: the data set cannot be loaded; the message offers --data.
    """
    loaded = _load(hub, obtain)
    where = f"{hub.path}{f'/{hub.config}' if hub.config else ''} [{hub.split}]"
    for number, value in enumerate(loaded):
        extra = {"number": number, "file": hub.config or Path(hub.path).name}
        yield Row(where=f"{where} row {number}", value=dict(value), extra=extra)


def _load(hub: HubData, obtain: str) -> Any:
    quieten()
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(f"data set {hub.path!r} from the hub", "hub") from None
    datasets.disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # six lines on every retry
    try:
        return datasets.load_dataset(hub.path, hub.config, split=hub.split, revision=hub.revision)
    except Exception as error:  # datasets raises whatever its readers, fsspec or HTTP raise
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        there = f" from {obtain}" if obtain else ""
        reason = str(error).strip().split("\n")[0]
        raise DataError(
            f"data set {hub.path!r} cannot be loaded{offline}: {type(error).__name__}: {reason}; "
            f"get it{there} and name its folder with --data"
        ) from None
