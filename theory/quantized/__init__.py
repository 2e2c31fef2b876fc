"""Networks with binary and ternary weights, and the algorithms that train them, beside exact ground truth.

Claims S1 to S53 of docs/theory/quantized-training.md.
"""
