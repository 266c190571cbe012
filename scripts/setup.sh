#!/usr/bin/env bash
# Builds the environments, one part a call: tools, app, rasa, encoder; or compiles the locks.
# Each part is finished or not there: `make` calls a part again until its .ready stamp exists.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/tools/bin/uv}

# The system's certificates, as every other program here uses them (older and newer name).
export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }

# Nobody looks at a silent terminal: says every five seconds that the step goes on.
with_heartbeat() {
  local what=$1 began=$SECONDS
  shift
  "$@" &
  local job=$! status=0
  while kill -0 "$job" 2>/dev/null; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      kill -0 "$job" 2>/dev/null || break
      sleep 0.5
    done
    if kill -0 "$job" 2>/dev/null; then say "... $what, $((SECONDS - began)) s so far"; fi
  done
  wait "$job" || status=$?
  return $status
}

no_python() {
  cat >&2 <<EOF
[setup] Python $1 was not found on this machine, and could not be downloaded.
        $2
        Get it with one of:
          pyenv install $1
          .venv/tools/bin/uv python install $1
          apt-get install python$1 python$1-venv     (where your system offers it)
        Then run the same command again: what is finished is not done twice.
EOF
  exit 1
}

tools() {
  [ -x .venv/tools/bin/uv ] && [ .venv/tools/.ready -nt requirements/tools.txt ] && { touch .venv/tools/.ready; return; }
  say "installing uv, which builds the environments"
  local python
  for python in python3.11 python3.12 python3.13 python3 python3.10; do
    # ensurepip is missing where a system splits it off, as Debian does without python3-venv
    if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
      rm -rf .venv/tools
      with_heartbeat "installing uv" bash -c "'$python' -m venv .venv/tools && .venv/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt"
      touch .venv/tools/.ready
      return
    fi
  done
  no_python 3.11 "Any Python from 3.9 with its venv module can install the tools; the bot itself needs 3.11 and 3.10."
}

environment() {
  local name=$1 version=$2 why=$3
  if [ ! -x ".venv/$name/bin/python" ]; then
    say "making .venv/$name with Python $version"
    "$uv" venv --quiet --clear --python "$version" ".venv/$name" || no_python "$version" "$why"
  fi
  say "installing $(grep -cE '^[a-zA-Z0-9].*==' "requirements/$name.txt") packages into .venv/$name"
  # Compiled now, once: where Python may not write its bytecode, each start of Rasa would take
  # ten seconds longer.
  VIRTUAL_ENV=.venv/$name with_heartbeat "installing packages" \
    "$uv" pip sync --compile-bytecode --require-hashes "requirements/$name.txt" 2> >(grep -vE '^ [+~-] ' >&2)
  VIRTUAL_ENV=.venv/$name "$uv" pip install --quiet --no-deps --no-build-isolation --editable .
  touch ".venv/$name/.ready"
  say ".venv/$name is ready"
}

encoder() {
  say "building the sentence encoder from its weights"
  with_heartbeat "building the encoder" .venv/app/bin/spinebot encoder build
  touch .venv/encoder/.ready
}

# `UPGRADE=1 make lock` takes the newest releases; without it only what pyproject.toml changed.
lock() {
  local upgrade=()
  [ -z "${UPGRADE:-}" ] || upgrade=(--upgrade)
  "$uv" pip compile "${upgrade[@]}" --quiet --no-header --generate-hashes --python-version 3.11 --universal --no-emit-package spinebot \
    pyproject.toml --group dev -o requirements/app.txt
  "$uv" pip compile "${upgrade[@]}" --quiet --no-header --generate-hashes --python-version 3.10 \
    --group rasa -o requirements/rasa.txt
  printf 'uv\n' | "$uv" pip compile "${upgrade[@]}" --quiet --no-header --generate-hashes --python-version 3.9 --universal \
    - -o requirements/tools.txt
  say "requirements/*.txt compiled; look at the diff, then: make setup test"
}

case "${1:-}" in
  tools | encoder | lock) "$1" ;;
  app) environment app 3.11 "The web process, the action server and the command line run on it." ;;
  rasa) environment rasa 3.10 "Rasa Open Source 3.6.21 runs on Python 3.10 only." ;;
  *) echo "usage: scripts/setup.sh tools|app|rasa|encoder|lock" >&2; exit 2 ;;
esac
