"""Annotated images of people: what is in them, where, and what is wrong with that, said before anything is trained."""
