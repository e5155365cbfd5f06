"""The engine: device, precision, training steps, schedules, checkpoints, signals, progress.

It knows no word of architecture search.
"""
