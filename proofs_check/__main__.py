"""``python -m proofs_check``: check every claim and rewrite the committed ledger.json."""

import json
import os
import sys
from pathlib import Path

from proofs_check import discover, record, run

LEDGER_FILE = Path(__file__).with_name("ledger.json")


def main() -> int:
    """Run all claims, write ledger.json, and return 0 only if every claim is green."""
    results = run(discover(), jobs=os.cpu_count() or 1, progress=show)
    text = json.dumps(record(results), indent=1, ensure_ascii=False)
    LEDGER_FILE.write_text(f"{text}\n", encoding="utf-8")
    red = [result for result in results if not result.passed]
    for result in red:
        sys.stderr.write(f"\n{result.why}\n")
    return 1 if red else 0


def show(done: int, total: int) -> None:
    """Write how far the run is."""
    sys.stderr.write(f"\r{done}/{total}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
