"""Keep what the reader has chosen in the page's address, so that every view is a link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

Choice = TypeVar("Choice", bound=str)


def chosen(name: str, options: Sequence[Choice], *, default: Choice | None = None) -> Choice:
    """Return the option that the address or an earlier page chose, else the default."""
    assert options, f"nothing to choose from for {name!r}"
    wanted = st.query_params.get(name) or st.session_state.get(f"kept.{name}")
    fallback = default if default is not None else options[0]
    found = next((option for option in options if option == wanted), fallback)
    keep(name, found)
    return found


def text(name: str) -> str:
    """Return a free text from the address, empty by default."""
    return st.query_params.get(name, "")


def keep(name: str, value: str) -> None:
    """Put a value into the address and remember it for the other pages; empty removes it."""
    st.session_state[f"kept.{name}"] = value
    if not value:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def forget(*names: str) -> None:
    """Take values out of the address."""
    for name in names:
        keep(name, "")
