"""`tunemark annotate invite`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.annotate_options import actor, database_option, opened
from harness.cli.options import json_option, print_json, root_option, say


@click.command()
@click.argument("name", metavar="SESSION")
@click.argument("handle")
@click.option("--display-name", default="", help="How the page greets the person.")
@click.option(
    "--role",
    type=click.Choice(["rater", "adjudicator", "lead", "admin"]),
    default="rater",
    show_default=True,
)
@click.option("--language", "locale", type=click.Choice(["en", "zh"]), help="Of the page.")
@click.option("--email", help="By which a login provider knows the person.")
@click.option("--base-url", default="http://127.0.0.1:8601", show_default=True, help="Of the page.")
@database_option
@root_option
@json_option
def invite(
    name: str,
    handle: str,
    display_name: str,
    role: Any,
    locale: Any,
    email: str | None,
    base_url: str,
    place: str | None,
    root: Path,
    as_json: bool,
) -> None:
    """Invite HANDLE to SESSION and print a link that works once, within two weeks."""
    with opened(place, root) as database:
        from harness.annotation import raters

        secret = raters.invite(
            database,
            name,
            handle,
            actor=actor(),
            display_name=display_name,
            role=role,
            locale=locale,
            email=email,
        )
    link = f"{base_url.rstrip('/')}/?invite={secret}"
    if as_json:
        print_json({"handle": handle, "role": role, "invite": secret, "link": link})
        return
    say(f"{handle} ({role}) may come in once by this link, within {raters.INVITE_DAYS} days:")
    click.echo(link)
