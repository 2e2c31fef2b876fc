"""The claims, one file a source or section; found by folder."""
