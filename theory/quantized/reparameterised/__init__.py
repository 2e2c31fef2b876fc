"""Networks whose weights are laws on a few values: local reparameterisation (S31 to S40, S52)."""
