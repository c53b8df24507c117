"""A leaderboard: many models on several suites, with what is known of their order."""
