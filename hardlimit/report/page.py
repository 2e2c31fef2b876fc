"""From results and figures to ``index.html``, with the figures' files and a page for each algorithm beside it."""

import base64
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hardlimit.report.algorithms import Algorithm, discover
from hardlimit.report.expressions import Derived, derived
from hardlimit.report.mathml import formula, prose
from hardlimit.report.provenance import provenance
from proofs_check import Grade

if TYPE_CHECKING:
    from figures.build import BuiltFigure
    from proofs_check import Result

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it."""

    id: str
    title: str
    caption: str
    width_mm: float
    shows: tuple[tuple[str, str | None], ...]
    png: str
    links: tuple[tuple[str, str], ...]


def write(
    results: "Sequence[Result]", built: "Sequence[BuiltFigure]", *, out: Path, seed: int
) -> Path:
    """Write ``out/index.html``, ``out/figures/`` and ``out/algorithms/``; return the first.

    Parameters
    ----------
    results
        Every claim of the ledger, checked.
    built
        Every figure, on disk.
    out
        Folder of the report; made if absent.
    seed
        Seed that the claims were checked with.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"prose": prose, "formula": formula, "anchor": anchor}
    ids = [result.id for result in results]
    pictures = [_picture(item, out, ids) for item in built]
    shown_in: dict[str, list[str]] = defaultdict(list)
    for item in built:
        for member in dict.fromkeys(m for name in item.figure.shows for m in family(name, ids)):
            shown_in[member].append(item.figure.id)
    environment.globals |= {
        "style": (_HERE / "style.css").read_text(encoding="utf-8"),
        "shown_in": shown_in,
    }
    algorithms = discover()
    text = environment.get_template("page.html.j2").render(
        results=results,
        algorithms=algorithms,
        held=[result for result in results if result.passed],
        grades=_grades(results),
        seconds=sum(result.seconds for result in results),
        pictures=pictures,
        expressions=_grouped(),
        provenance=provenance(seed),
    )
    template = environment.get_template("algorithm.html.j2")
    for algorithm in algorithms:
        told = template.render(algorithm=algorithm, **_judgement(algorithm, results, pictures))
        _put(out / "algorithms" / f"{algorithm.slug}.html", told)
    return _put(out / "index.html", text)


def anchor(claim: str) -> str:
    """Return the id of a claim as the name of a place in the page."""
    return "claim-" + re.sub(r"[^A-Za-z0-9]+", "-", claim).strip("-")


def family(name: str, ids: Sequence[str]) -> list[str]:
    """Return the claim of that id, or those of which it is the common part: T17 of T17.erf."""
    return [claim for claim in ids if claim == name or claim.startswith((f"{name}.", f"{name}("))]


def _judgement(
    algorithm: Algorithm, results: "Sequence[Result]", pictures: Sequence[Picture]
) -> dict[str, object]:
    """Return the results that judge each assertion, each of them once, and the figures that show them."""
    ids = [result.id for result in results]

    def named(names: Sequence[str]) -> "list[Result]":
        members = {member for name in names for member in family(name, ids)}
        return [result for result in results if result.id in members]

    judges = named(algorithm.judged_by)
    shown = {result.id for result in judges}
    return {
        "judged": [named(assertion.judged_by) for assertion in algorithm.assertions],
        "judges": judges,
        "pictures": [
            picture
            for picture in pictures
            if any(member in shown for name, _ in picture.shows for member in family(name, ids))
        ],
    }


def _put(page: Path, text: str) -> Path:
    """Write a page whole or not at all."""
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_name(f".{page.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(page)
    return page


def _grades(results: "Sequence[Result]") -> dict[str, int]:
    """Count results by grade, in the order in which grades are declared."""
    counted = Counter(result.grade for result in results)
    return {grade.value: counted[grade] for grade in Grade if counted[grade]}


def _picture(item: "BuiltFigure", out: Path, ids: Sequence[str]) -> Picture:
    """Copy the files of a figure beside the page, embed its PNG, and link the claims it shows."""
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    links = []
    for path in item.files:
        if path.suffix != ".png":
            shutil.copyfile(path, folder / path.name)
            links.append((path.name, f"figures/{path.name}"))
    png = next(path for path in item.files if path.suffix == ".png")
    figure = item.figure
    return Picture(
        id=figure.id,
        title=figure.title,
        caption=figure.caption,
        width_mm=figure.size_mm[0],
        shows=tuple((name, next(iter(family(name, ids)), None)) for name in figure.shows),
        png=base64.b64encode(png.read_bytes()).decode("ascii"),
        links=tuple(links),
    )


def _grouped() -> Mapping[str, list[Derived]]:
    groups: dict[str, list[Derived]] = defaultdict(list)
    for entry in derived():
        groups[entry.group].append(entry)
    return groups
