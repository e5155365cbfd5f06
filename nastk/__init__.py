"""nastk: neural architecture search for images from the command line."""

__version__ = "0.1.0"
