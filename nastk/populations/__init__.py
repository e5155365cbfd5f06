"""What searches that keep individuals share: where they stand, who scores them, which of them wins."""
