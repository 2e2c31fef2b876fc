"""The command: derive, compute, sample, verify, draw, reproduce; no mathematics lives here."""
