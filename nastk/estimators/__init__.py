"""Estimators: genotypes -> scores, by shared weights, by training alone, by a table."""
