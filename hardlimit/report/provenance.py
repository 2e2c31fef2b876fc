"""What a report was made with: versions, commit and machine."""

import os
import platform
import subprocess
from pathlib import Path

from proofs_check import versions

_CHECKOUT = Path(__file__).parents[2]


def provenance(seed: int) -> dict[str, str]:
    """Return, by name: seed, commit, versions of Python and the libraries, processor and system."""
    return {
        "seed": str(seed),
        "commit": _commit(),
        **versions(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
    }


def _commit() -> str:
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return f"{head[:12]} with uncommitted changes" if changed else head[:12]


def _git(*arguments: str) -> str:
    command = ("git", "-C", str(_CHECKOUT), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
