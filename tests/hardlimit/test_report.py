"""The report: one page that needs nothing else, with every formula rendered and every link alive."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

import theory
from figures.base import Figure
from figures.build import BuiltFigure
from figures.build import discover as discover_figures
from hardlimit import report
from hardlimit.report import algorithms
from hardlimit.report.expressions import derived
from hardlimit.report.mathml import formula, prose
from hardlimit.report.page import anchor, family
from proofs_check import Claim, Grade, Verdict, discover, run

# A LaTeX command that the converter does not know stays in the page as it was written.
COMMAND = re.compile(r"\\[A-Za-z]+")


class Page(HTMLParser):
    """Collects what a browser would follow."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources, self.tags = set(), [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        if "id" in given:
            assert given["id"] not in self.ids, f"id {given['id']} is there twice"
            self.ids.add(given["id"])
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given["src"]] if "src" in given else []


def proved():
    return Verdict(Grade.PROVED, "exact at $p = 1$", trusts=("a < b",))


def refuted():
    return Verdict(Grade.REFUTED, "no", "at $x = 1$ & more")


@pytest.fixture
def page(tmp_path):
    """A page of three claims and one figure."""
    shared = {"source": "a source", "hypotheses": ("$p > 0$",), "mutant": refuted}
    claims = [
        Claim("A1", r"$\frac{1}{2} < 1$ <b>", aims_at=Grade.PROVED, check=proved, **shared),
        Claim("A2", "$1 = 2$", aims_at=Grade.PROVED, check=refuted, **shared),
        Claim("A3", "true", "here", (), Grade.PROVED, check=proved, mutant=proved),
    ]
    files = []
    for suffix in ("png", "pdf", "npz", "x.csv"):
        path = tmp_path / "made" / f"F1.{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"content")
        files.append(path)
    figure = Figure("F1", "A title", "With $h_a$", (80.0, 50.0), ("A1", "Z9"), dict, print)
    built = BuiltFigure(figure, tuple(files), 0.1, reused=False)
    return report.write(run(claims), [built], out=tmp_path / "report", seed=7)


def test_page_needs_nothing_else(page):
    read = Page(page.read_text(encoding="utf-8"))
    assert not read.tags & {"script", "link", "iframe"}
    assert all(source.startswith("data:") for source in read.sources)
    for link in read.links:
        target = link[1:] in read.ids if link.startswith("#") else (page.parent / link).is_file()
        assert target, link


def test_page_says_what_holds_and_what_does_not(page):
    text = page.read_text(encoding="utf-8")
    assert "1 of 3" in text
    assert "&lt;b&gt;" in text
    assert "lets its mutant pass" in text
    assert "The claim aims at PROVED" in text
    assert 'href="#figure-F1"' in text
    assert "<dt>seed</dt><dd>7</dd>" in text


def test_only_the_page_and_its_figures_are_left(page):
    assert {path.name for path in page.parent.iterdir()} == {"algorithms", "figures", "index.html"}


def test_every_algorithm_has_a_page_that_needs_nothing_else(tmp_path):
    """Its links lead somewhere, and an assertion that a claim judges shows the verdict."""
    claims = [
        Claim(name, "$1 < 2$", "here", (), Grade.PROVED, check=proved, mutant=refuted)
        for name in dict.fromkeys(name for item in algorithms.discover() for name in item.judged_by)
    ]
    index = report.write(run(claims), [], out=tmp_path, seed=7)
    for item in algorithms.discover():
        path = tmp_path / "algorithms" / f"{item.slug}.html"
        text = path.read_text(encoding="utf-8")
        read = Page(text)
        assert not read.tags & {"script", "link", "iframe"}
        assert f"algorithms/{item.slug}.html" in index.read_text(encoding="utf-8")
        assert text.count("g-proved") > len(item.judged_by)
        for link in read.links:
            target = (
                link[1:] in read.ids if link.startswith("#") else (path.parent / link).is_file()
            )
            assert target, link


def test_an_assertion_says_what_holds_exactly_where_a_claim_judges_it():
    for item in algorithms.discover():
        for assertion in item.assertions:
            assert bool(assertion.holds) == bool(assertion.judged_by), assertion.says


def test_algorithms_show_how_to_make_their_trainers():
    for item in algorithms.discover():
        if item.use:
            assert isinstance(eval(item.use, {"th": theory}), theory.quantized.Trainer)  # noqa: S307


def test_algorithms_name_claims_that_exist_and_leave_none_out():
    ids = [entry.id for entry in discover()]
    judged = {name for item in algorithms.discover() for name in item.judged_by}
    assert {name for name in judged if not family(name, ids)} == set()
    on_a_page = {member for name in judged for member in family(name, ids)}
    quantized = {entry.id for entry in discover() if entry.source.startswith("quantized-training")}
    assert quantized - on_a_page == set()


def test_every_statement_and_caption_renders():
    texts = [text for entry in discover() for text in (entry.statement, *entry.hypotheses)]
    texts += [entry.correction for entry in discover() if entry.correction]
    for item in algorithms.discover():
        texts += [item.does, *(text for one in item.assertions for text in (one.says, one.holds))]
    texts += [text for fig in discover_figures().values() for text in (fig.title, fig.caption)]
    for text in texts:
        shown = prose(text)
        assert not COMMAND.search(shown), (COMMAND.findall(shown), text)
        assert "$" not in shown, text


def test_every_derived_expression_renders():
    entries = list(derived())
    assert len(entries) > 20
    for entry in entries:
        for latex in (entry.left, *entry.right):
            assert not COMMAND.search(formula(latex)), latex


def test_prose_escapes_what_is_no_formula():
    assert prose("a < b and `f(x)`") == Markup("a &lt; b and <code>f(x)</code>")
    assert 'display="block"' in prose("$$x$$")
    assert 'display="inline"' in prose("$x$")


def test_style_has_a_colour_for_every_grade():
    style = (Path(report.__file__).parent / "style.css").read_text(encoding="utf-8")
    for grade in Grade:
        assert f".g-{grade.value.lower()}" in style


def test_claims_that_figures_show_exist():
    ids = [entry.id for entry in discover()]
    figures = discover_figures().values()
    assert {name for fig in figures for name in fig.shows if not family(name, ids)} == set()


def test_claims_have_places_of_their_own():
    ids = [entry.id for entry in discover()]
    assert len({anchor(name) for name in ids}) == len(ids)


def test_a_family_is_found_by_its_common_part():
    assert family("T1", ["T1", "T1.a", "T1(b)", "T13"]) == ["T1", "T1.a", "T1(b)"]
