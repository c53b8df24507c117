"""Training files of other tools as training settings of ours."""
