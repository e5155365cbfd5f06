"""What networks cost, without building them; what of it is allowed."""
