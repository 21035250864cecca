"""Any model as parameters and a function of one point; embeddings and built-in networks."""
