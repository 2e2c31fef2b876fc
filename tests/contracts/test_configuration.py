"""The configuration means what it says: what it names exists, and the rules of the house hold."""

import ast
import os
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
MODULES = [path for name in (*PACKAGES, "tests") for path in sorted((ROOT / name).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_exist_and_are_typed(package):
    assert (ROOT / package / "__init__.py").is_file()
    assert (ROOT / package / "py.typed").is_file()


def test_tools_name_the_same_packages():
    tool = CONFIG["tool"]
    assert tool["mypy"]["packages"] == PACKAGES
    assert tool["coverage"]["run"]["source_pkgs"] == PACKAGES
    assert tool["importlinter"]["root_packages"] == PACKAGES


def test_paths_in_the_configuration_exist():
    tool = CONFIG["tool"]
    named = [*tool["pytest"]["testpaths"], CONFIG["project"]["readme"]]
    named += [pattern.split("*")[0] for pattern in tool["ruff"]["lint"]["per-file-ignores"]]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_marker_is_used():
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    for marker in CONFIG["tool"]["pytest"]["markers"]:
        name = marker.split(":")[0]
        assert any(f"mark.{name}" in text for text in tests), f"marker {name} is never used"


def test_ci_runs_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_test_files_have_unique_names():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_has_a_docstring_and_one_idea(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "say in the first line what the module is for"
    assert len(text.splitlines()) <= 400, "over 400 lines a module holds two ideas"


def test_lock_names_versions_and_no_addresses():
    assert sorted(LOCK) == LOCK
    for line in LOCK:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.]*", line), line


def test_lock_covers_what_the_project_asks_for():
    project = CONFIG["project"]
    asked = [*project["dependencies"], *CONFIG["build-system"]["requires"]]
    # GPyTorch would bring PyTorch into every environment; its tests run where it is installed.
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != "gpytorch"}
    asked += [item for extra in extras.values() for item in extra]
    locked = {line.split("==")[0] for line in LOCK} | {project["name"]}
    names = {normalised(re.split(r"[<>=!\[;]", item)[0]) for item in asked}
    assert names <= locked


def test_environment_matches_the_lock():
    different = {}
    for line in LOCK:
        name, wanted = line.split("==")
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "absent"
        if found != wanted:
            different[name] = (wanted, found)
    assert different == {}, "run `make test`, which installs the lock first"
