"""Ways to check a claim, one a file; each declares what it trusts."""
