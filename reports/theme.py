"""Colours of the viewer, as flags for the process that serves it."""

from __future__ import annotations

from collections.abc import Mapping

SHARED: Mapping[str, str] = {
    "theme.baseRadius": "8px",
    "theme.font": (
        "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', "
        "'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
    ),
    "theme.showWidgetBorder": "true",
    "client.toolbarMode": "minimal",
}
LIGHT: Mapping[str, str] = {
    "primaryColor": "#2457c5",
    "backgroundColor": "#fdfdfc",
    "secondaryBackgroundColor": "#f4f4f1",
    "textColor": "#1d2126",
    "borderColor": "#deded9",
}
DARK: Mapping[str, str] = {
    "primaryColor": "#7fa6ff",
    "backgroundColor": "#15171b",
    "secondaryBackgroundColor": "#1d2025",
    "textColor": "#e6e7e9",
    "borderColor": "#353a42",
}


def streamlit_flags() -> list[str]:
    """Return the command-line flags; light or dark follows the reader's system."""
    options = dict(SHARED)
    options |= {f"theme.light.{name}": color for name, color in LIGHT.items()}
    options |= {f"theme.dark.{name}": color for name, color in DARK.items()}
    return [f"--{name}={value}" for name, value in options.items()]
