"""Subcommands, one a module: ``COMMAND`` is the function, ``PANEL`` its heading in the help.

A module imports at its top only what ``--help`` needs; mathematics is imported inside the function.
"""

COMPUTE = "Compute"
EVIDENCE = "Evidence"
