"""Training data: read, checked, cleaned, converted, built, augmented and mixed."""
