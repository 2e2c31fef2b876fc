"""Environments of their own for alternatives that a benchmark runs beside us and that cannot live in ours."""

import subprocess
import venv
from hashlib import sha256
from pathlib import Path

from hardlimit import console

BUILD = Path(__file__).parents[1] / "build"


def environment(name: str, requirements: Path) -> Path | None:
    """Return the Python of ``build/NAME/...`` with exactly these requirements, made once; None if that fails.

    Installed without dependencies, so the file lists them too. Why it cannot be made is printed.
    """
    folder = BUILD / name / sha256(requirements.read_bytes()).hexdigest()[:12]
    python, done = folder / "bin" / "python", folder / "complete"
    if done.exists():
        return python
    console.notice(f"Creating {folder} for {name}, once: some minutes, up to a gigabyte")
    try:
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "-r", str(requirements)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or str(error)
        console.notice(f"{name} is left out; its environment cannot be made: {told.strip()[-500:]}")
        return None
    done.touch()
    return python
