"""Annotated images as people have them: what is in them, where, and what is wrong, said before any training."""
