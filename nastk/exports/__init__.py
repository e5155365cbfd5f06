"""Trained networks in the forms in which other programs take them: one file a format."""
