"""Human annotation sessions: who rates what, stored so that nothing is lost and nothing is told.

Pages and the command line call these modules; no SQLAlchemy object leaves them, only frozen
values. `claim` and `submit` and what they return are for raters, and never name a run.
"""
