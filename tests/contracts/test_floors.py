"""The floors of the design hold: who may import whom, and what each floor never does."""

import ast
import subprocess
import sys
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]


def test_import_contracts(monkeypatch, capsys):
    """The contracts of pyproject.toml; their report is shown on failure."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    status = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_floors_are_not_bypassed_through_the_facade():
    """``import theory as th`` inside theory would reach any floor without the contracts seeing it."""
    for path in sorted((ROOT / "theory").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
                assert "theory" not in names, f"{path.relative_to(ROOT)} imports the facade"


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running ``code``."""
    program = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_is_light():
    """``hardlimit --help`` waits for no mathematics and no plotting."""
    loaded = modules_after(
        "from typer.testing import CliRunner\n"
        "from hardlimit.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(app, ['verify', '--help']).exit_code == 0"
    )
    heavy = {"sympy", "numba", "scipy", "matplotlib", "numpy", "sklearn", "mpmath", "flint"}
    assert not loaded & heavy


def test_theory_draws_nothing():
    """All of theory loads without matplotlib."""
    loaded = modules_after(
        "import importlib, pkgutil, theory\n"
        "for found in pkgutil.walk_packages(theory.__path__, 'theory.'):\n"
        "    importlib.import_module(found.name)"
    )
    assert "theory.kernels" in loaded
    assert "matplotlib" not in loaded


def test_importing_theory_is_light():
    """``import theory`` loads a floor only when a name of it is used."""
    assert not modules_after("import theory") & {"sympy", "numba", "scipy"}
