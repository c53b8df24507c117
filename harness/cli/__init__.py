"""The `tunemark` command: a root that imports a verb only when it is called.

Exit codes: 0 fine, 1 something failed while working, 2 wrong usage or input.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from harness import __version__
from harness.errors import HarnessError, suggestion
from harness.registry import load_object

VERBS: dict[str, tuple[str, str]] = {
    "demo": ("harness.cli.demo:demo", "Fine-tune and judge a small real model in ten minutes."),
    "doctor": ("harness.cli.doctor:doctor", "Tell what works on this machine and mend the rest."),
    "check": ("harness.cli.check:check", "Check suites, studies and training data; load no model."),
    "contamination": (
        "harness.cli.contamination:contamination",
        "Find gold items that stand in training data.",
    ),
    "suites": ("harness.cli.suites:suites", "List the suites and recipes that are shipped."),
    "gold": ("harness.cli.gold:gold", "Make, check, lock and measure gold sets."),
    "data": ("harness.cli.data:data", "Check, clean, convert, build, augment and mix data."),
    "run": ("harness.cli.run:run", "Evaluate one model, with or without adapters, on suites."),
    "score": ("harness.cli.score:score", "Score a run, or a file of predictions; load no model."),
    "import": (
        "harness.cli.import_:import_predictions",
        "Make a run out of predictions made elsewhere.",
    ),
    "judge": ("harness.cli.judge:judge", "Have a model judge stored answers; show what sways it."),
    "annotate": (
        "harness.cli.annotate:annotate",
        "Have people rate answers without knowing whose they are.",
    ),
    "agreement": ("harness.cli.agreement:agreement", "Say how far raters agree, from any CSV."),
    "compare": (
        "harness.cli.compare:compare",
        "Compare runs or files item by item, with intervals.",
    ),
    "metrics": (
        "harness.cli.metrics:metrics",
        "Tell what every metric and extraction step is for.",
    ),
    "plan": (
        "harness.cli.plan:plan",
        "Tell the memory of a training before it is run, and lint it.",
    ),
    "vocab": (
        "harness.cli.vocab:vocab",
        "Look at a tokenizer on your texts; add tokens to a model.",
    ),
    "import-training": (
        "harness.cli.import_training:import_training",
        "Make training settings of a LLaMA-Factory or axolotl file.",
    ),
    "train": ("harness.cli.train:train", "Train one configuration of a study."),
    "study": ("harness.cli.study:study", "Train, evaluate and compare configurations."),
    "gate": ("harness.cli.gate:gate", "Pass or fail a model against a policy, with uncertainty."),
    "history": (
        "harness.cli.history:history",
        "Show a metric over released versions, with intervals.",
    ),
    "leaderboard": (
        "harness.cli.leaderboard:leaderboard",
        "Put many models in order, with what is known of the order.",
    ),
    "lm-eval": ("harness.cli.lm_eval:lm_eval", "Give suites and results to lm-eval as its own."),
    "report": ("harness.cli.report:report", "Write a study's result as one HTML file."),
    "view": ("harness.cli.view:view", "Open the report viewer in the browser."),
}
"""Verb → ("module:attribute", one-line help). The help stands here so that --help is instant."""


class LazyGroup(click.Group):
    """A group that knows its verbs' names and help, and imports one when it is called."""

    verbs: Mapping[str, tuple[str, str]] = VERBS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a first working day."""
        del ctx
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        return load_object(self.verbs[cmd_name][0]) if cmd_name in self.verbs else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Offer the nearest verb for a typo."""
        if args and args[0] not in self.verbs:
            near = suggestion(args[0], self.verbs)
            ctx.fail(f"no verb {args[0]!r}{near}; see {ctx.command_path} --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verb list without importing any."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in self.verbs.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tunemark")
def cli() -> None:
    """Did fine-tuning make this model better at my domain, without making it worse elsewhere?

    Start with `tunemark demo`.
    """


def main() -> NoReturn:
    """Run the command; say every failure in one message."""
    try:
        code = cli.main(prog_name="tunemark", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except HarnessError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "\nStopped. Everything finished is stored; the same command goes on from there.",
            err=True,
        )
        sys.exit(1)
    except MemoryError:
        click.echo("Error: out of memory; see `tunemark doctor`", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {place}{error.strerror}", err=True)
        sys.exit(1)
