"""The viewer: `tunemark view`, or `streamlit run reports/views/app.py -- RUNS`.

It does not lie beside `reports/html.py`: Streamlit puts a script's folder first on the path,
where that module would hide Python's own `html`.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from reports import shell
from reports.render import TEMPLATES
from reports.words import word

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Draw the frame and the page that is asked for."""
    st.set_page_config(page_title="Tunemark", page_icon=str(TEMPLATES / "icon.svg"), layout="wide")
    lang = shell.language()
    page = st.navigation(
        [
            st.Page(
                HERE / "overview.py",
                title=word(lang, "overview"),
                icon=":material/monitoring:",
                url_path="overview",
                default=True,
            ),
            st.Page(
                HERE / "samples.py",
                title=word(lang, "samples"),
                icon=":material/compare:",
                url_path="samples",
            ),
        ]
    )
    shell.style()
    shell.sidebar()
    page.run()


main()
