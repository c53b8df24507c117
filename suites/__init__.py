"""Suites and studies: data only."""
