"""Write README's tables of metrics and extraction steps; part of `make schemas`."""

from __future__ import annotations

import re
from pathlib import Path

from harness.metrics.catalogue import Entry, catalogue, shown_range, without_versions

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- metrics: written by `make schemas` -->\n"
END = "<!-- end of metrics -->"
ARROWS = {"higher": "↑", "lower": "↓", "neither": "·"}


def with_tables(readme: str) -> str:
    """Return README's text with both tables as the code has them now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def tables() -> str:
    """Return both tables in Markdown; the same whatever versions are installed."""
    entries = catalogue()
    rows = [_metric_row(entry) for entry in entries if entry.kind == "metric"]
    steps = [f"| `{e.name}` | {_cell(e.purpose)} |" for e in entries if e.kind == "step"]
    return "\n".join(
        [
            "| metric | tells | range | signature |",
            "|---|---|---|---|",
            *rows,
            "",
            "↑ higher is better, ↓ lower is better, · a gauge without a better side.",
            "",
            "| step of `extract:` | finds |",
            "|---|---|",
            *steps,
            "",
        ]
    )


def main() -> None:
    """Write the tables into README."""
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")


def _metric_row(entry: Entry) -> str:
    scale = entry.scale
    extent = f"{shown_range(scale)} {ARROWS[scale.better]}" if scale else ""
    needs = f" Needs `tunemark[{entry.extra}]`." if entry.extra else ""
    tells = re.sub(r",? in \[[^]]*\]", "", entry.purpose)  # the next column has it
    return f"| `{entry.name}` | {_cell(tells)}{needs} | {extent} | {_signatures(entry)} |"


def _signatures(entry: Entry) -> str:
    written = {lang: without_versions(text) for lang, text in entry.signatures.items()}
    if len(set(written.values())) <= 1:
        return "".join(f"`{_cell(text)}`" for text in list(written.values())[:1])
    return "<br>".join(f"{lang} `{_cell(text)}`" for lang, text in written.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    main()
