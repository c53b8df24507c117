"""Before and after: read what the model answered, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from harness.errors import HarnessError
from harness.result import StudyResult
from reports import numbers, state
from reports.samples import Sample, load_samples, readable
from reports.selection import MODES, Mode, lead_metrics, select
from reports.shell import Shown, draw, shown_study

PAGE_LENGTH = 10
GLIMPSE = 90
MODE_WORDS: dict[Mode, str] = {
    "all": "all",
    "regressed": "regressed_mode",
    "improved": "improved_mode",
    "changed": "changed_mode",
    "both wrong": "both wrong",
}


def main() -> None:
    """Draw the page."""
    shown = shown_study()
    draw(shown, "page_title", shown.say("samples"), shown.result.name)
    names = list(readable(shown.result))
    if not names:
        st.info(shown.say("no_configurations"))
        return
    suite, configuration, metric, search = _choose(shown, names)
    try:
        samples = _samples(shown, suite, configuration)
    except HarnessError as error:
        st.error(shown.say("no_samples", problem=error), icon=":material/error:")
        return
    samples = select(samples, metric, search=search)
    found = select(samples, metric, mode=_mode(shown, samples, metric))
    if not found:
        st.info(shown.say("nothing_here"))
        return
    _read(shown, found, metric)


def _choose(shown: Shown, names: Sequence[str]) -> tuple[str, str, str, str]:
    """Return suite, configuration, metric and the words to search for."""
    suites = [suite.name for suite in shown.result.suites]
    first, second, third, fourth = st.columns(4)
    with first:
        suite = _select(shown, "suite", suites)
    with second:
        configuration = _select(shown, "configuration", names)
    with third:
        metric = _select(shown, "metric", lead_metrics(shown.result, suite))
    with fourth:
        search = st.text_input(
            shown.say("search"),
            value=state.text("q"),
            placeholder=shown.say("search_hint"),
            icon=":material/search:",
        )
    if search != state.text("q"):
        state.keep("q", search)
        state.forget("item")
    return suite, configuration, metric, search


def _select(shown: Shown, name: str, options: Sequence[str]) -> str:
    current = state.chosen(name, options)
    picked = st.selectbox(shown.say(name), options, index=options.index(current))
    if picked != current:
        state.keep(name, picked)
        state.forget("item")
    return picked


def _mode(shown: Shown, samples: Sequence[Sample], metric: str) -> Mode:
    counts = {mode: len(select(samples, metric, mode=mode)) for mode in MODES}
    current = state.chosen("mode", MODES)
    picked = st.segmented_control(
        shown.say("filter"),
        MODES,
        default=current,
        required=True,
        format_func=lambda mode: f"{shown.say(MODE_WORDS[mode])} · {counts[mode]}",
        label_visibility="collapsed",
        key="mode",
        wrap=True,
    )
    mode: Mode = MODES[MODES.index(picked)] if picked in MODES else current
    if mode != current:
        state.keep("mode", mode)
        state.forget("item")
    return mode


def _read(shown: Shown, found: Sequence[Sample], metric: str) -> None:
    ids = [sample.gold_id for sample in found]
    at = ids.index(state.chosen("item", ids))
    listed, detail = st.columns([5, 8], gap="large")
    with listed:
        _list(shown, found, metric, at)
    with detail:
        _step(shown, ids, at)
        draw(shown, "sample_detail", found[at], metric)


def _list(shown: Shown, found: Sequence[Sample], metric: str, at: int) -> None:
    n_pages = -(-len(found) // PAGE_LENGTH)
    page = at // PAGE_LENGTH
    with st.container(key="tm-list", gap=None):
        for sample in found[page * PAGE_LENGTH : (page + 1) * PAGE_LENGTH]:
            st.button(
                _label(sample, metric),
                key=f"open.{sample.gold_id}",
                on_click=state.keep,
                args=("item", sample.gold_id),
                type="secondary" if sample is found[at] else "tertiary",
                width="stretch",
            )
    if n_pages > 1:
        turned = st.pagination(
            n_pages, default=page + 1, max_visible_pages=5, key=f"page.{page}.{len(found)}"
        )
        if turned != page + 1:
            state.keep("item", found[(turned - 1) * PAGE_LENGTH].gold_id)
            st.rerun()
    st.caption(shown.say("n_shown", n=len(found)))


def _step(shown: Shown, ids: Sequence[str], at: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            shown.say("previous"),
            icon=":material/arrow_back:",
            disabled=at == 0,
            on_click=state.keep,
            args=("item", ids[max(0, at - 1)]),
            key="previous",
        )
        st.button(
            shown.say("next"),
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=at == len(ids) - 1,
            on_click=state.keep,
            args=("item", ids[min(len(ids) - 1, at + 1)]),
            key="next",
        )
        st.caption(shown.say("position", i=at + 1, n=len(ids)), width="content")


def _label(sample: Sample, metric: str) -> str:
    change = sample.change(metric)
    mark = "–" if change is None else numbers.signed(change, metric)
    gain = sample.gain(metric)
    color = "gray" if not gain else "green" if gain > 0 else "red"
    glimpse = " ".join(sample.glimpse.split())
    short = glimpse if len(glimpse) <= GLIMPSE else glimpse[:GLIMPSE] + "…"
    return f":{color}[**{mark}**] {_literal(short)}"


def _literal(text: str) -> str:
    """Escape what Markdown would interpret."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|~<>$:^=&" else char for char in text)


def _samples(shown: Shown, suite: str, configuration: str) -> tuple[Sample, ...]:
    return _load(shown.result, suite, configuration, root=str(shown.root))


@st.cache_data(
    max_entries=16, show_spinner=False, hash_funcs={StudyResult: StudyResult.model_dump_json}
)
def _load(result: StudyResult, suite: str, configuration: str, *, root: str) -> tuple[Sample, ...]:
    return load_samples(result, Path(root), suite=suite, configuration=configuration)


main()
