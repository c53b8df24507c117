"""Predictions that other tools made, in the files that they write."""
