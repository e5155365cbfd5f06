"""Networks: operations, the discrete network of a genotype, the weight-sharing supernet."""
