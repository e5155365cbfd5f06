"""Estimators: genotypes -> scores, by shared weights, by training alone, later by a table."""
