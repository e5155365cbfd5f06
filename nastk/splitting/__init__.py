"""Splitting a space into sub-spaces: by gradient matching, by chance, exhaustively."""
