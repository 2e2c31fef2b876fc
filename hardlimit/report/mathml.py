r"""Prose with formulas as HTML: ``$...$`` inline, ``$$...$$`` displayed, ```code```, by MathML."""

import re
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape

_PARTS = re.compile(r"\$\$(?P<display>.+?)\$\$|\$(?P<inline>.+?)\$|`(?P<code>[^`]+)`", re.DOTALL)

# The converter knows no sizes of the fences' slash, and these spellings have a standard equal.
_SPELLINGS = (
    (re.compile(r"\\(?:big|Big|bigg|Bigg)[lrm]?(?![A-Za-z])"), ""),
    (re.compile(r"\\[tdc]frac(?=\d)(\d)(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\operatorname\*"), r"\\operatorname"),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    (re.compile(r"\\operatorname\{asin\}"), r"\\arcsin"),
)


@cache
def formula(latex: str, *, display: bool = False) -> Markup:
    """Return one LaTeX formula as MathML."""
    for pattern, replacement in _SPELLINGS:
        latex = pattern.sub(replacement, latex)
    return Markup(convert(latex, display="block" if display else "inline"))


def prose(text: str) -> Markup:
    """Return text as HTML, its formulas as MathML and everything else escaped."""
    parts = []
    end = 0
    for match in _PARTS.finditer(text):
        parts.append(escape(text[end : match.start()]))
        if match["code"] is not None:
            parts.append(Markup("<code>{}</code>").format(match["code"]))
        else:
            shown = match["display"]
            parts.append(formula(shown or match["inline"], display=shown is not None))
        end = match.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)
