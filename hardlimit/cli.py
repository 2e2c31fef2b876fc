"""The ``hardlimit`` command: one module of ``hardlimit.commands`` a subcommand, found by folder."""

import pkgutil
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hardlimit import commands, console
from theory.errors import HardlimitError

UNANSWERABLE = 2
INTERRUPTED = 130


class ReadableErrors(TyperGroup):
    """Turns what hardlimit raises on purpose into one panel, and Ctrl-C into status 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except HardlimitError as error:
            console.show_error(error)
            raise typer.Exit(UNANSWERABLE) from error
        except KeyboardInterrupt as stop:
            console.notice(
                "Interrupted; what was finished is kept, and the next run goes on from it."
            )
            raise typer.Exit(INTERRUPTED) from stop


app = typer.Typer(
    cls=ReadableErrors,
    help="Derive, compute and check the theory of wide binarized neural networks.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.out.print(f"hardlimit {version('hardlimit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Exit status: 0 what was asked holds, 1 it does not, 2 it cannot be answered, 130 interrupted."""


def _register() -> None:
    """Add the function that each module of ``commands`` names as its COMMAND, by panel and name."""
    modules = [
        import_module(f"{commands.__name__}.{found.name}")
        for found in pkgutil.iter_modules(commands.__path__)
    ]
    for module in sorted(modules, key=lambda module: (module.PANEL, module.__name__)):
        app.command(rich_help_panel=module.PANEL)(module.COMMAND)


_register()
