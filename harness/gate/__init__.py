"""The regression gate: a policy, a pinned baseline, and one of three answers."""
