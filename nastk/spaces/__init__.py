"""Search spaces: the decisions of an architecture, without any training."""
