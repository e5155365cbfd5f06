"""What is shown of a search: drawings of cells, and what is told of a run."""
