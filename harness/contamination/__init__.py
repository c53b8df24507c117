"""Gold items that stand in training data, with a verdict for each."""
