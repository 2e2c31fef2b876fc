"""The theory of wide binarized networks: derive, evaluate, sample, measure."""
