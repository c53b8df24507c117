"""lm-eval inside: its tasks on our engine, its measurements in our store, our suites as its tasks."""
