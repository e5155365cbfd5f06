"""What dense predictions are measured by: arrays in, figures in 0 .. 1 out. Knows no networks and no tasks."""
