"""Statistics as pure functions: resampling, tests, corrections and power."""
