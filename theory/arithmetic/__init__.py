"""Number systems and the exact functions that expectations are written in."""
