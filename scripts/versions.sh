#!/usr/bin/env bash
# Run the quick tests on each supported Python that is found here, and on the oldest of them with
# the lowest versions that pyproject.toml allows. Interpreters are not fetched.
# Usage: scripts/versions.sh UV [TEST...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=$1
shift
tests=("$@")
[ "${#tests[@]}" -gt 0 ] ||
    tests=(tests/data tests/model tests/decisions tests/plots tests/test_palm_fit.py)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset PYTHONPATH VIRTUAL_ENV

# pyenv hides all interpreters but the one of .python-version, unless they are asked for.
if command -v pyenv >/dev/null; then
    PYENV_VERSION=$(pyenv versions --bare | paste -sd:)
    export PYENV_VERSION
fi

# try NAME PYTHON PYTEST_OPTION -- UV_OPTION...
try() {
    local name=$1 python=$2 option=$3
    shift 4
    echo "== $name: $("$python" --version)"
    if "$uv" venv --quiet --python "$python" "$tmp/$name" &&
        "$uv" pip install --quiet --python "$tmp/$name/bin/python" \
            --build-constraints constraints.txt "$@" --editable . --group test &&
        "$tmp/$name/bin/pytest" --quiet --durations=0 --durations-min=60 "$option" "${tests[@]}"; then
        passed+=("$name")
    else
        failed+=("$name")
    fi
}

passed=() failed=() missing=() oldest=
for version in 3.12 3.13 3.14; do
    if python=$("$uv" python find --system --no-python-downloads "$version" 2>/dev/null); then
        oldest=${oldest:-$python}
        try "$version" "$python" -Werror -- --constraints constraints.txt
    else
        missing+=("$version")
    fi
done
# Old releases may use what newer ones of other libraries call deprecated.
[ -z "$oldest" ] ||
    try lowest "$oldest" -Wignore::DeprecationWarning -- --resolution lowest-direct

echo "passed: ${passed[*]:-none}; failed: ${failed[*]:-none}; not found here: ${missing[*]:-none}"
[ "${#failed[@]}" -eq 0 ] && [ "${#passed[@]}" -gt 0 ]
