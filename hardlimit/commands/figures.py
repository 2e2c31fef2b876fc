"""``hardlimit figures``: compute, draw and write the figures."""

from pathlib import Path
from typing import Annotated

import typer

from hardlimit import console, options
from hardlimit.commands import EVIDENCE

PANEL = EVIDENCE


def figures(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Figures.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List figures; draw nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Compute and draw what is unchanged too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files.", show_default="build/figures"),
    ] = None,
    build: options.Build = options.BUILD,
    as_json: options.AsJson = False,
) -> None:
    """Draw figures as PNG and PDF, with their arrays as NPZ and CSV; unchanged ones are reused."""
    from figures.build import build as build_figures
    from figures.build import select

    if listing:
        chosen = select(ids or None)
        if as_json:
            console.print_json(
                {
                    "figures": [
                        {"id": f.id, "title": f.title, "shows": list(f.shows)} for f in chosen
                    ]
                }
            )
        else:
            for figure in chosen:
                console.print_plain(f"{figure.id:<4} {figure.title}  [{', '.join(figure.shows)}]")
        return
    with console.progress("Figures") as report:
        built = build_figures(
            ids or None,
            out=out or build / "figures",
            cache_dir=options.figures_cache(build),
            force=force,
            progress=report,
        )
    if as_json:
        console.print_json(
            {
                "figures": [
                    {
                        "id": item.figure.id,
                        "files": [str(path) for path in item.files],
                        "seconds": item.seconds,
                        "reused": item.reused,
                    }
                    for item in built
                ]
            }
        )
        return
    for item in built:
        made = "unchanged, reused" if item.reused else f"{item.seconds:.1f} s"
        console.print_plain(f"{item.figure.id:<4} {item.files[0].with_suffix('')}  ({made})")


COMMAND = figures
