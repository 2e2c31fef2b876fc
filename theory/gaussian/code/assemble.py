"""A file of a target: header, the helpers in use, the branches, and what chooses among them."""

import re
import textwrap
from collections.abc import Mapping
from string import Template

import sympy as sp

from theory.gaussian.code.routine import Routine
from theory.gaussian.code.target import Target, Writer

_WIDTH = 92
_CONVENTIONS = (
    "(u, v) is centred Gaussian with variances p, q and covariance c; u alone has variance p.",
    "A jump has its midpoint value, and a Dirac mass of a derivative is integrated as one.",
)
_PAIR = (
    "Domain: p >= 0, q >= 0, c*c <= p*q. Where c = 0 the value is the product of two means, on the "
    "line c = +-sqrt(p*q) that of one variable, at variance 0 that of the function at 0; it is "
    "infinite where two Dirac masses meet, or one sits on a variable of variance 0."
)
_SINGLE = "Domain: p >= 0; at p = 0 the value of the function at 0, infinite where a Dirac mass sits there."


def source(routines: Mapping[str, Routine], target: Target, name: str, after: str = "") -> str:
    """Return the text of one file.

    Parameters
    ----------
    routines
        Expectations by the names of their functions.
    target, name
        The target and its name.
    after
        Template of what follows the functions; ``$key`` is the name of a routine's function.

    Raises
    ------
    InputError
        Where a formula holds a function that the target does not know.
    """
    writer = Writer(target, name)
    bodies = [_routine(key, routine, writer) for key, routine in routines.items()]
    if after:
        bodies.append(Template(after).substitute({key: key for key in routines}).strip("\n"))
    code = "\n\n".join(bodies)
    pieces = [target.comment(_header(routines, target)), target.preamble.strip("\n")]
    pieces += [target.helpers[key].strip("\n") for key in _needed(code, target.helpers)]
    return "\n\n".join(piece for piece in [*pieces, code] if piece) + "\n"


def _needed(code: str, helpers: Mapping[str, str]) -> list[str]:
    """Return the helpers that ``code`` calls, and those that these call, in declared order."""
    found: set[str] = set()
    texts = [code]
    while texts:
        text = texts.pop()
        for key, body in helpers.items():
            if key not in found and re.search(rf"\b{key}\b", text):
                found.add(key)
                texts.append(body)
    return [key for key in helpers if key in found]


def _header(routines: Mapping[str, Routine], target: Target) -> list[str]:
    lines = [f"{key} = {routine.title}" for key, routine in routines.items()]
    lines += dict.fromkeys(text for r in routines.values() for text in r.definitions)
    lines += [""]
    pairs = [routine.inside is not None for routine in routines.values()]
    lines += [*_CONVENTIONS, _PAIR if any(pairs) else _SINGLE, ""]
    lines += target.accuracy(list(routines.values()))
    lines += [
        "",
        "Derived by hardlimit: Stein's identity, orthants by Owen's T (Owen 1956, eq. 2.1).",
    ]
    return [part for line in lines for part in (textwrap.wrap(line, _WIDTH) or [""])]


def _routine(key: str, routine: Routine, writer: Writer) -> str:
    target = writer.target
    parts: dict[str, tuple[str, tuple[str, ...], sp.Expr]] = {}
    if routine.inside is not None:
        parts["inside"] = ("inside", ("p", "q", "c"), routine.inside)
        parts["plus"] = ("line_plus", ("p", "q"), routine.line[0])
        parts["minus"] = ("line_minus", ("p", "q"), routine.line[1])
    names = {"name": key, "title": routine.title}
    for letter, mean in zip("fg", routine.means, strict=False):
        parts[f"mean_{letter}"] = (f"mean_{letter}", ("p",), mean.expr)
        names[f"zero_{letter}"] = writer(mean.at_zero)
    texts = []
    for placeholder, (part, arguments, expr) in parts.items():
        names[placeholder] = target.join(key, part)
        texts.append(_function(names[placeholder], arguments, expr, writer))
    template = target.single if routine.inside is None else target.pair
    return "\n\n".join([*texts, Template(template).substitute(names).strip("\n")])


def _function(name: str, arguments: tuple[str, ...], expr: sp.Expr, writer: Writer) -> str:
    shared, (result,) = sp.cse([expr], symbols=sp.numbered_symbols("t"), list=True)
    assignments = [(str(symbol), writer(value)) for symbol, value in shared]
    return writer.target.define(name, arguments, assignments, writer(result))
