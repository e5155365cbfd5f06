"""Tasks: what a network is trained for."""
