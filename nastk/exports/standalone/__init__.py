"""The parts of the file that `nastk export --format python` writes; nothing else of nastk imports them."""
