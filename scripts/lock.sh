#!/usr/bin/env bash
# Writes the locks: every package with its hashes, for all platforms and Python versions, without
# addresses. requirements/test.txt has everything; the others have the same versions of less.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}

compile() {
    local lock=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --output-file "requirements/$lock.txt" "$@"
}

compile test --upgrade --extra dev pyproject.toml
compile run --extra agent --extra local --extra build --constraint requirements/test.txt pyproject.toml
compile uv --constraint requirements/test.txt - <<<uv
