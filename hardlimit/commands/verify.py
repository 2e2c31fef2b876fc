"""``hardlimit verify``: check claims, and that each check can fail."""

from typing import TYPE_CHECKING, Annotated

import typer

from hardlimit import claims, console, options
from hardlimit.commands import EVIDENCE

if TYPE_CHECKING:
    from proofs_check import Claim

PANEL = EVIDENCE


def verify(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Claims.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only from this source: a word of it, or T, B, ...")
    ] = None,
    grade: Annotated[list[str] | None, typer.Option(help="Only those that aim at it.")] = None,
    why: Annotated[
        str | None, typer.Option(metavar="ID", help="Explain the verdict on one claim.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List claims; check nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Check again what is unchanged.")] = False,
    jobs: options.Jobs = options.CORES,
    seed: options.Seed = 0,
    build: options.Build = options.BUILD,
    as_json: options.AsJson = False,
) -> None:
    """Check claims and their mutants. Status 0 only if every claim holds and every mutant is refuted.

    A claim that refutes a printed statement holds when the statement fails and its correction does not.
    """
    chosen = claims.select([why] if why else ids or (), source or (), grade or ())
    if listing:
        _list(chosen, as_json)
        return
    cache = None if fresh else options.claims_cache(build)
    results = claims.check(chosen, jobs=jobs, seed=seed, cache=cache)
    if as_json:
        from proofs_check import to_json

        console.print_json(to_json(results, seed))
    elif why:
        console.print_plain(f"{results[0].id}\n{results[0].why}")
    else:
        console.out.print(claims.table(results))
        console.out.print(claims.summary(results), markup=False)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _list(chosen: "list[Claim]", as_json: bool) -> None:
    """Show claims without checking them."""
    if as_json:
        keys = ("id", "statement", "source", "hypotheses", "correction")
        console.print_json(
            {
                "claims": [
                    {**{key: getattr(entry, key) for key in keys}, "aims_at": entry.aims_at.value}
                    for entry in chosen
                ]
            }
        )
        return
    from rich.padding import Padding
    from rich.text import Text

    for entry in chosen:
        aim = Text(entry.aims_at.value, style=claims.COLOURS.get(entry.aims_at.value, ""))
        source = Text(entry.source, style="dim")
        console.out.print(Text("  ").join([Text(entry.id, style="bold"), aim, source]))
        console.out.print(Padding(Text(entry.statement), (0, 0, 0, 4)))


COMMAND = verify
