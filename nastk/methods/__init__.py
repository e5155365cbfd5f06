"""Search methods: one file each, reading like the paper's algorithm box."""
