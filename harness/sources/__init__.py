"""Gold rows out of other people's data: files of many layouts, or the Hugging Face hub."""
