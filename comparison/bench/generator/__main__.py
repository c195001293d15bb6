"""Run one load as the argument describes it, and print what was measured."""

import gc
import json
import sys
from dataclasses import asdict

from comparison import shapes
from comparison.bench.generator import workloads
from comparison.bench.plan import Load


def main() -> int:
    """Whatever the server does, the exit code is 0 and the sample has it in `troubles`; 2 for a spec that is none."""
    try:
        load = shapes.make(Load, json.loads(sys.argv[1]))
    except (IndexError, ValueError, TypeError) as error:
        print(f"usage: python -m comparison.bench.generator LOAD (one JSON object): {error}", file=sys.stderr)
        return 2
    gc.disable()  # it makes no cycles, and a collection would show as latency of the server
    print(json.dumps(asdict(workloads.run(load))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
