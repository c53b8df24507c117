"""Overview of a study: what to keep, why, and whether to believe it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from reports import charts
from reports.checks import health
from reports.headline import headline
from reports.html import render_report
from reports.scatter import trade_off_chart
from reports.shell import Shown, draw, draw_chart, shown_study
from reports.tables import primary_noise


def main() -> None:
    """Draw the page."""
    shown = shown_study()
    result = shown.result
    draw(shown, "hero", result, headline(result, shown.lang))
    _actions(shown)
    draw(shown, "checks", health(result, shown.lang))
    draw(shown, "warnings", result)
    if not result.comparisons:
        st.info(shown.say("no_configurations"))
        return
    panels = charts.forests(result)
    if panels:
        _heading(shown, "decisive", "forest_note")
        draw_chart(shown, "forests", panels)
    _confirmation(shown)
    _pair(shown)
    if len(result.trade_offs) > 1:
        draw(shown, "lead", shown.say("tradeoff_table_note"))
        draw(shown, "trade_offs", result)
    if primary_noise(result):
        _heading(shown, "seeds", "seeds_note")
        draw(shown, "noise", result)
    _heading(shown, "results", "primary_note")
    for tab, suite in zip(_tabs(shown), result.suites, strict=True):
        with tab:
            draw(shown, "results_table", result, suite.name)
            if suite.leaks:
                draw(shown, "leaks", result, suite)
    _heading(shown, "training", "settings_differ")
    draw(shown, "training", result)


def _actions(shown: Shown) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link("samples.py", label=shown.say("read_samples"), icon=":material/compare:")
        st.download_button(
            shown.say("download"),
            data=lambda: render_report(shown.result, shown.root, lang=shown.lang),
            file_name=f"{shown.result.name}.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
        )


def _confirmation(shown: Shown) -> None:
    found = shown.result.confirmation
    if found is None or not found.confirmed:
        return
    draw(shown, "confirmation_title", found)
    draw(shown, "confirmation", found)


def _pair(shown: Shown) -> None:
    scatter = trade_off_chart(shown.result, shown.lang)
    losses = charts.heldout_losses(shown.result)
    drawn = [
        ("tradeoff", "tradeoff_note", "scatter", scatter),
        ("heldout_loss", "heldout_note", "lines", losses),
    ]
    present = [entry for entry in drawn if entry[3] is not None]
    if present:
        columns = st.columns(len(present), gap="large")
        for column, (title, note, macro, chart) in zip(columns, present, strict=True):
            with column:
                _heading(shown, title, note)
                draw_chart(shown, macro, chart)


def _tabs(shown: Shown) -> list[DeltaGenerator]:
    labels = [f"{suite.name} · {shown.say(suite.role)}" for suite in shown.result.suites]
    return list(st.tabs(labels))


def _heading(shown: Shown, title: str, note: str) -> None:
    draw(shown, "heading", shown.say(title), shown.say(note))


main()
