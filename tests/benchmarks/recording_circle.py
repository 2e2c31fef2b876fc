"""Train the networks of figure T3: ``python tests/benchmarks/recording_circle.py``.

Writes ``figures/t03_circle_long.json`` after every batch, in rounds over the cells (a curve, a width, a type), and goes
on behind the networks that it holds: what was interrupted loses a batch. About an hour for what the plan holds; delete
the file to start anew. The first networks of the record were multiplied by a BLAS: trained anew, they agree in law.
"""

import json
import os
from pathlib import Path

OUT = Path(__file__).parents[2] / "figures" / "t03_circle_long.json"
DIGITS = 7


def write(record: dict[str, dict[str, object]]) -> None:
    """Replace the record at once, one line a cell."""
    import numpy as np

    def rounded(values: object) -> object:
        flat = np.asarray(values, float)
        short = [float(f"{number:.{DIGITS}g}") for number in flat.ravel()]
        return np.reshape(short, flat.shape).tolist()

    cells = ",\n".join(
        f"{json.dumps(name)}: {json.dumps({key: rounded(v) for key, v in cell.items()})}"
        for name, cell in record["cells"].items()
    )
    part = OUT.with_suffix(".part")
    part.write_text(
        f'{{"versions": {json.dumps(record["versions"])},\n"cells": {{\n{cells}\n}}}}\n'
    )
    part.replace(OUT)


def main() -> None:
    """Train what is missing, and say what is done."""
    import numpy as np

    from figures.circle_long import CELLS, measured, merged, trained
    from proofs_check.cache import versions

    record = json.loads(OUT.read_text()) if OUT.exists() else {"cells": {}}
    record["versions"] = versions(("hardlimit", "numpy", "numba"))
    cells = record["cells"]

    def held(name: str) -> int:
        return int(cells[name]["networks"]) if name in cells else 0

    while missing := [cell for cell in CELLS if held(cell.name) < cell.planned]:
        for cell in missing:
            run = trained(cell, held(cell.name))
            found = measured(cell.curve, run.outputs, run.neuron_flips)
            if cell.name in cells:
                before = {key: np.asarray(v) for key, v in cells[cell.name].items()}
                found = merged(before, found)
            cells[cell.name] = found
            write(record)
            print(f"{cell.name}: {held(cell.name)} of {cell.planned}", flush=True)  # noqa: T201


if __name__ == "__main__":
    # Before NumPy is loaded: one thread for its products too.
    os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})
    main()
