"""Published tables: architectures somebody trained, and what came of it. Read from a file of the user's."""
