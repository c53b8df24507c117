"""Fill the templates: one Jinja environment per language, with escaping always on."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import numbers, tables
from reports.diff import difference
from reports.words import SYMBOLS, Lang, word

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(lang: Lang) -> Environment:
    """Return the environment whose templates speak a language."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ours: dict[str, Any] = {
        "w": partial(word, lang),
        "n": numbers,
        "symbols": SYMBOLS,
        "difference": difference,
        "by_metric": tables.by_metric,
        "training_table": partial(tables.training_table, lang=lang),
        "choice_rows": tables.choice_rows,
        "signatures": tables.signatures,
        "primary_noise": tables.primary_noise,
        "chosen_comparison": tables.chosen_comparison,
        "shortened": tables.shortened,
    }
    jinja.globals.update(ours)
    return jinja


def part(lang: Lang, name: str, *arguments: object) -> str:
    """Return the markup of one macro of parts.html.jinja or charts.html.jinja."""
    for file in ("parts.html.jinja", "charts.html.jinja"):
        macro = getattr(environment(lang).get_template(file).module, name, None)
        if macro is not None:
            return str(macro(*arguments))
    raise AssertionError(f"no macro {name!r} in the templates")


def asset(name: str) -> Markup:
    """Return a style sheet or script of ours, which needs no escaping."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
