"""`tunemark doctor`."""

from __future__ import annotations

import click

from harness.cli.options import json_option, print_json


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Tell what works on this machine, and how to mend what does not.

    Exits with 1 when something that an installed part needs is broken.
    """
    from harness.doctor import examine

    findings = examine()
    if as_json:
        print_json([finding.model_dump() for finding in findings])
    else:
        marks = {"ok": "ok   ", "missing": "-    ", "broken": "FAULT"}
        for finding in findings:
            click.echo(f"{marks[finding.state]} {finding.what}: {finding.found}")
            if finding.mend:
                click.echo(f"      → {finding.mend}")
    if any(finding.state == "broken" for finding in findings):
        ctx.exit(1)
