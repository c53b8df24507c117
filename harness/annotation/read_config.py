"""Put together what a session is to be, from its file and from options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from harness.annotation.config import SessionConfig
from harness.annotation.errors import AnnotationError
from harness.config import explain, load_yaml, telling_fault


def session_config(file: Path | None, options: Mapping[str, Any]) -> SessionConfig:
    """Return the configuration of a session.

    Args:
        file: session.yaml, or None.
        options: Settings that replace those of the file.

    Raises:
        ConfigError, AnnotationError: a setting is unknown or wrong.
    """
    if file is not None and not options:
        return load_yaml(file, SessionConfig)
    settings: dict[str, Any] = {}
    if file is not None:
        if "name" not in options:
            load_yaml(file, SessionConfig)  # its faults are told with their lines
        settings = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    if "name" not in {*settings, *options}:
        raise AnnotationError("give the session a --name, or a --config FILE with one")
    try:
        return SessionConfig.model_validate({**settings, **options})
    except ValidationError as error:
        raise AnnotationError(explain(telling_fault(error), SessionConfig)) from None
