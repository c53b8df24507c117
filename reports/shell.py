"""What every page of the viewer needs: the root, the chosen study, the language, the markup."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from harness.result import StudyResult
from reports import state
from reports.render import asset, part
from reports.studies import FoundStudy, find_studies
from reports.words import LANGUAGES, Lang, word

SHOW_STUDY = "tunemark study run STUDY.yaml   # or: tunemark demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The study that the reader looks at."""

    result: StudyResult
    root: Path
    folder: Path
    lang: Lang

    def say(self, key: str, **fields: object) -> str:
        """Return a text in the reader's language."""
        return word(self.lang, key, **fields)


def runs_root() -> Path:
    """Return the folder of all runs: the argument after `--`, else TUNEMARK_RUNS, else runs."""
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    return Path(arguments[0] if arguments else os.environ.get("TUNEMARK_RUNS", "runs"))


def language() -> Lang:
    """Return the reader's language: chosen, else the browser's."""
    locale = (st.context.locale or "").lower()
    default: Lang = "zh" if locale.startswith("zh") else "en"
    return state.chosen("lang", tuple(LANGUAGES), default=default)


def sidebar() -> None:
    """Let the reader choose a language and, with several, a study."""
    lang = language()
    found = find_studies(runs_root())
    with st.sidebar:
        if len(found) > 1:
            names = [study.name for study in found]
            name = state.chosen("study", names)
            picked = st.selectbox(word(lang, "study"), names, index=names.index(name))
            if picked != name:
                state.keep("study", picked)
                state.forget("suite", "configuration", "metric", "mode", "q", "item")
                st.rerun()
        codes = tuple(LANGUAGES)
        picked_lang = st.segmented_control(
            word(lang, "language"),
            codes,
            default=lang,
            required=True,
            format_func=lambda code: LANGUAGES[code],
        )
        if picked_lang and picked_lang != lang:
            state.keep("lang", picked_lang)
            st.rerun()


def shown_study() -> Shown:
    """Return the chosen study, or tell why there is none and end the page."""
    root, lang = runs_root(), language()
    found = find_studies(root)
    if not found:
        st.title(word(lang, "no_studies"))
        st.markdown(word(lang, "no_studies_how", root=root))
        st.code(SHOW_STUDY, language="shell")
        st.stop()
    name = state.chosen("study", [study.name for study in found])
    study = next(study for study in found if study.name == name)
    if study.result is None:
        _stop_at(study, lang)
    assert study.result is not None, "the page was stopped"
    return Shown(result=study.result, root=root, folder=study.folder, lang=lang)


def draw(shown: Shown, name: str, *arguments: object) -> None:
    """Show one of the report's pieces."""
    st.html(f'<div class="tm">{part(shown.lang, name, *arguments)}</div>')


def draw_chart(shown: Shown, name: str, *arguments: object) -> None:
    """Show one of the report's charts.

    `st.html` takes SVG out; Markdown keeps it, if no blank line ends the block.
    """
    markup = " ".join(part(shown.lang, name, *arguments).split())
    st.markdown(f'<div class="tm">{markup}</div>', unsafe_allow_html=True)


def style() -> None:
    """Load the style sheet that the pieces share with the report, and the viewer's own."""
    st.html(f"<style>{asset('parts.css')}{asset('viewer.css')}</style>")


def _stop_at(study: FoundStudy, lang: Lang) -> None:
    st.title(study.name)
    st.error(f"{word(lang, 'cannot_show')}. {study.problem}", icon=":material/error:")
    st.stop()
