"""Make, check, lock and measure gold sets, before any model is loaded."""
