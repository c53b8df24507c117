"""Ratings in the forms that others read; runs are named only once a session is unblinded."""
