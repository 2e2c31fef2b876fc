"""One activation a file; found by folder."""
