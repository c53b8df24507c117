"""A board in the formats of others: Markdown and CSV, the Hugging Face hub, Every Eval Ever."""
