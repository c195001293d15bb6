"""Run one load as the argument describes it, and print what was measured."""

import gc
import sys

from comparison.bench.generator import spec, workloads


def main() -> int:
    """Whatever the server does, the exit code is 0 and the result has it in `errors`; 2 for a spec that is none."""
    try:
        load = spec.Load.from_json(sys.argv[1])
    except (IndexError, ValueError, TypeError) as error:
        print(f"usage: python -m comparison.bench.generator SPEC (one JSON object): {error}", file=sys.stderr)
        return 2
    gc.disable()  # it makes no cycles, and a collection would show as latency of the server
    print(workloads.run(load).to_json(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
