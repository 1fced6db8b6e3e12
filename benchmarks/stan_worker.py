"""Sample a Stan program for `peers.py`, in an environment that has pystan.

The first line of stdin has the program and data to compile it with, each further line has data; to
each it answers by a line, all in JSON. It imports nothing of the project, which need not be there.
"""

import json
import os
import sys
from typing import Any

import stan

CHAINS = 4  # pystan's default, as are 1,000 draws of each


def main() -> None:
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # pystan prints
        first = json.loads(sys.stdin.readline())
        stan.build(first["program"], data=first["data"])
        print(json.dumps({}), file=answers, flush=True)
        for line in sys.stdin:
            posterior = stan.build(first["program"], data=json.loads(line), random_seed=1)
            print(json.dumps(sampled(posterior)), file=answers, flush=True)


def sampled(posterior: Any) -> dict[str, Any]:
    """Draws by name, each of dims (chain, draw), or the reason why there are none."""
    try:
        fit = posterior.sample(num_chains=CHAINS)
    except (RuntimeError, ValueError) as error:
        return {"error": str(error)}
    names = [*fit.param_names, "divergent__", "energy__"]
    return {name: fit[name].reshape(-1, CHAINS).T.tolist() for name in names}


if __name__ == "__main__":
    main()
