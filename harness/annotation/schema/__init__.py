"""The tables of annotation sessions, and how their values are stored."""
