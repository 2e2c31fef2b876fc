"""The README is true: its example prints what it says, its links lead somewhere, its commands exist."""

import re
import shlex
from operator import attrgetter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hardlimit.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def test_the_example_prints_what_it_says(capsys):
    exec(compile(block("python"), "README.md", "exec"), {})
    assert capsys.readouterr().out == block("text")


@pytest.mark.parametrize("page", ["interfaces.md", "quantized.md"])
def test_the_guide_prints_what_it_says(page, capsys):
    guide = (ROOT / "docs" / "guide" / page).read_text(encoding="utf-8")
    known: dict[str, object] = {}
    for code, shown in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", guide, re.DOTALL):
        exec(compile(code, page, "exec"), known)
        assert capsys.readouterr().out == shown


def test_links_and_pictures_exist():
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / target).exists(), f"{page} links to {target}"


def test_commands_exist():
    for command in re.findall(r"^hardlimit (\w+)", block("sh"), re.MULTILINE):
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "guide").glob("*.md")), ids=attrgetter("name")
)
def test_commands_of_the_guide_are_understood(page):
    """Every option that a page gives exists; nothing runs, since the help is asked for too."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    for line in re.findall(r"^hardlimit .*", shell, re.MULTILINE):
        words = [word for word in shlex.split(line, comments=True) if "$" not in word][1:]
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, f"{line}\n{result.output}"


def test_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_decisions_have_their_four_parts():
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert len(records) >= 5
    for number, record in enumerate(records, start=1):
        text = record.read_text(encoding="utf-8")
        assert record.name.startswith(f"{number:04}-")
        for part in ("Context", "Decision", "Alternatives", "Consequences"):
            assert f"## {part}" in text, f"{record.name} lacks {part}"
