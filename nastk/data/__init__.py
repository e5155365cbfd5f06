"""Images: finding, reading and checking them, splitting them, and augmented batches on the device."""
