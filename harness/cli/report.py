"""`tunemark report`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import root_option
from harness.registry import load_object

WRITE = "reports.html:write_report"
RENDER = "reports.html:render_report"
READ = "reports.studies:stored_result"


@click.command()
@click.argument("study")
@root_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the words."
)
def report(study: str, root: Path, out: Path | None, lang: str) -> None:
    """Write the stored result of STUDY (its YAML file or its name) as one HTML file."""
    folder = root / "studies" / _name(study)
    result = load_object(READ)(folder)
    if out is None:
        written: Path = load_object(WRITE)(result, root, folder, lang=lang)
    else:
        from harness.store import write_text

        write_text(out, load_object(RENDER)(result, root, lang=lang))
        written = out
    click.echo(written)


def _name(study: str) -> str:
    """Return a study's name; it may be given by its file."""
    if not study.endswith((".yaml", ".yml")):
        return study
    from harness.config import load_yaml
    from harness.study_config import StudyConfig

    return load_yaml(Path(study), StudyConfig).name
