"""How candidates share weights: supernets built, trained, relaxed, asked, and what a step of them takes."""
