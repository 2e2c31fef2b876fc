"""One file a target: how it writes formulas, what it lacks, and how cases are told apart in it."""
