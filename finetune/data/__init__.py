"""Training rows: read from files or built from structured records and facts."""
