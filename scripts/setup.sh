#!/usr/bin/env bash
# Sets up what a purpose needs: Debian's packages, the locked Python environment in .venv, and, for
# the tests, ElevenLabs' JavaScript client, the agent's models and a LiveKit server, which Go builds.
# What is there already is left as it is, so that a second run is quick and needs no network.
#
#   scripts/setup.sh run     to talk and to serve
#   scripts/setup.sh test    to test, check and measure
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-}
case $purpose in
    run) debian_packages=(libpulse0) ;;
    test)
        debian_packages=(
            libpulse0 chromium espeak-ng iproute2 pulseaudio pulseaudio-utils redis-server
        )
        ;;
    *) echo "usage: scripts/setup.sh run|test" >&2; exit 2 ;;
esac

say() { printf 'set-up: %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_debian_packages() {
    local missing=() package
    for package in "${debian_packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] \
            || missing+=("$package")
    done
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    if [ "$purpose" = test ] && ! command -v npm >/dev/null; then missing+=(npm); fi
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing Debian's ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null
}

install_system_packages() {
    if command -v dpkg-query >/dev/null; then
        install_debian_packages
    elif [ "$(uname)" = Linux ]; then
        say "this is not Debian; what corresponds to ${debian_packages[*]} has to be there"
    fi
}

check_python() {
    python3 - <<'PYTHON'
import sys

if sys.version_info < (3, 11):
    sys.exit(f"set-up: Python 3.11 or later is needed; python3 is {sys.version.split()[0]}")
PYTHON
}

install_python_packages() {
    local lock=requirements/$purpose.txt stamp=.venv/duologue-$purpose.stamp wanted
    # The checkout's own place counts: an environment that was copied or moved does not work.
    wanted="$(cat requirements/uv.txt "$lock" pyproject.toml "$0" | cksum) $PWD"
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    say "installing the Python packages of $lock"
    # An environment that was moved here from elsewhere, or whose Python has gone, is made anew.
    .venv/bin/python -c 'pass' 2>/dev/null || python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements/uv.txt
    # Compiled here, as pip does it: an agent that starts would be busy with it for seconds.
    .venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode \
        --require-hashes -r "$lock"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation \
        --editable .
    printf '%s\n' "$wanted" >"$stamp"
}

install_javascript_client() {
    local folder=tests/real/browser
    cmp -s $folder/package-lock.json $folder/node_modules/.installed-lock.json && return 0
    say "installing ElevenLabs' JavaScript client"
    (cd $folder && npm ci --silent --ignore-scripts --no-audit --no-fund)
    cp $folder/package-lock.json $folder/node_modules/.installed-lock.json
}

install_system_packages
check_python
install_python_packages
if [ "$purpose" = test ]; then
    install_javascript_client
    .venv/bin/duologue models pull
    .venv/bin/python -m duologue.agent.rooms.livekit_server >/dev/null
fi
