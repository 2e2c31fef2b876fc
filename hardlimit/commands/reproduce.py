"""``hardlimit reproduce``: every claim, every figure, and the report."""

import time

import typer

from hardlimit import claims, console, options
from hardlimit.commands import EVIDENCE

PANEL = EVIDENCE


def reproduce(
    jobs: options.Jobs = options.CORES,
    seed: options.Seed = 0,
    build: options.Build = options.BUILD,
) -> None:
    """Verify all claims, draw all figures, write report/index.html. Status 0 only if every claim holds.

    A second run reuses what is unchanged, and says so; a run that was interrupted goes on.
    """
    from hardlimit import report

    start = time.perf_counter()
    results = claims.check(claims.select(), jobs=jobs, seed=seed, cache=options.claims_cache(build))
    if not all(result.passed for result in results):
        console.out.print(claims.table([result for result in results if not result.passed]))
    console.print_plain(claims.summary(results))

    from figures.build import build as build_figures

    with console.progress("Figures") as progress:
        built = build_figures(
            out=build / "figures", cache_dir=options.figures_cache(build), progress=progress
        )
    reused = sum(item.reused for item in built)
    console.print_plain(
        f"{len(built)} figures in {build / 'figures'}; {reused} unchanged and reused"
    )
    page = report.write(results, built, out=build / "report", seed=seed)
    console.print_plain(f"Report: {page}  ({time.perf_counter() - start:.0f} s)")
    if not all(result.passed for result in results):
        raise typer.Exit(1)


COMMAND = reproduce
