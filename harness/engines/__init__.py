"""Turn prompts into answers: vLLM, transformers, or a replay of stored texts."""
