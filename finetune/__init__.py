"""Train LoRA adapters whose prompts are, token for token, the ones they will be served with."""
