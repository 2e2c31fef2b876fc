"""Train the networks of figure R7: ``python tests/benchmarks/recording_real_data.py``.

Writes ``figures/r07_real_data.json`` after every cell (a task, a depth, a width), cheapest first, and skips those that
are there: what was interrupted goes on. An hour or two; delete the file to start anew. Networks are addressed by
seeds, and are the same on any machine, but those of the record were multiplied by a BLAS: trained anew, they agree in
law, not in digits.
"""

import json
import os
from pathlib import Path

OUT = Path(__file__).parents[2] / "figures" / "r07_real_data.json"
DIGITS = 6


def cost(cell: object) -> float:
    """Weights times networks: what training a cell costs, up to a factor."""
    return cell.draws * cell.steps[-1] * cell.width * (64.0 + (cell.hidden - 1) * cell.width)  # type: ignore[attr-defined]


def write(record: dict[str, dict[str, object]]) -> None:
    """Replace the record at once, one line a cell."""
    cells = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(cell)}" for name, cell in record["cells"].items()
    )
    part = OUT.with_suffix(".part")
    part.write_text(
        f'{{"versions": {json.dumps(record["versions"])},\n"cells": {{\n{cells}\n}}}}\n'
    )
    part.replace(OUT)


def main() -> None:
    """Train what is missing, and say what is done."""
    import numpy as np

    from figures.real_data import CELLS, SHOWN, measure
    from proofs_check.cache import versions

    record = json.loads(OUT.read_text()) if OUT.exists() else {"cells": {}}
    record["versions"] = versions(("hardlimit", "numpy", "numba", "scikit-learn"))
    missing = sorted((cell for cell in CELLS if cell.name not in record["cells"]), key=cost)
    total = sum(map(cost, missing))
    for cell in missing:
        found = measure(cell, cell.draws)
        record["cells"][cell.name] = {
            key: [[float(f"{number:.{DIGITS}g}") for number in row] for row in np.asarray(rows)]
            for key, rows in found.items()
            if cell.width == SHOWN or not key.startswith("test.")
        }
        write(record)
        total -= cost(cell)
        print(f"{cell.name} done, {total:.3g} weights to go", flush=True)  # noqa: T201


if __name__ == "__main__":
    # Before NumPy is loaded: one thread for its products too.
    os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})
    main()
