"""Runs as one page of HTML: no script, nothing from elsewhere, the same bytes for the same runs."""
