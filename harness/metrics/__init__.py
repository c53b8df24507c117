"""Metrics: each maps an item to additive statistics, and sums of them to a value."""
