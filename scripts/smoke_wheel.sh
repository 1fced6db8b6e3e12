#!/usr/bin/env bash
# Build the wheel, install it into a fresh environment outside the checkout, and use it there:
# what an editable install hides (a file left out, a dependency not declared) shows here.
# With `demo`, run the demo by uvx too, as one who has nothing installed would: a minute or two.
# Usage: scripts/smoke_wheel.sh UV PYTHON [demo]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=$(realpath "$(command -v "$1")")
python=$2
demo=${3:-}
held=$PWD/constraints.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset PYTHONPATH VIRTUAL_ENV

"$uv" build --quiet --wheel --build-constraints "$held" --out-dir "$tmp/dist" .
"$uv" venv --quiet --python "$python" "$tmp/venv"
"$uv" pip install --quiet --python "$tmp/venv/bin/python" --constraints "$held" "$tmp"/dist/*.whl

cd "$tmp"
strangers=$(venv/bin/python -m zipfile --list dist/*.whl |
    awk 'NR > 1 && $1 !~ /^palm_bayes(-[^\/]*\.dist-info)?\// {print $1}')
if [ -n "$strangers" ]; then
    printf 'The wheel holds more than the package:\n%s\n' "$strangers" >&2
    exit 1
fi

venv/bin/python -c '
import sys, palm_bayes
from importlib.resources import files
assert palm_bayes.__file__.startswith(sys.prefix), palm_bayes.__file__
assert files("palm_bayes").joinpath("py.typed").is_file(), "the wheel has no py.typed"
'
venv/bin/palm-bayes --help >/dev/null
venv/bin/palm-bayes example runs

# 3 says that the fit has not converged, as so few draws may well not.
try() {
    local status=0
    "$@" || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
        echo "$*: exit status $status, want 0 or 3" >&2
        exit 1
    fi
}
try venv/bin/palm-bayes fit runs/runs.csv --strategy random --draws 50 --tune 200 --chains 2
try venv/bin/palm-bayes report palm_fit_out
grep -q '</html>' report.html
if [ "$demo" = demo ]; then
    try "$uv" tool run --quiet --isolated --python "$tmp/venv/bin/python" --constraints "$held" \
        --from dist/*.whl palm-bayes demo --out demo --quiet
    find demo -name '*.png' | grep -q . || { echo 'The demo drew no figure.' >&2; exit 1; }
fi
echo 'The wheel works outside the checkout.'
