#!/usr/bin/env bash
# Spinebot on one Debian machine with systemd and nginx; docs/operations.md tells how to use it.
#
#   deploy/machine.sh install NAME [--certificate FILE --key FILE] [--admin E-MAIL]
#   deploy/machine.sh upgrade [SOURCE]       from SOURCE (a checkout, an address), else where it came from
#   deploy/machine.sh rollback               the version before the last upgrade, with today's data
#   deploy/machine.sh uninstall              leaves the data, the settings and the key
#
# Program: /opt/spinebot. Data: /var/lib/spinebot. Settings: /etc/spinebot.env, /etc/spinebot/.
# Each step can be done twice: after a failure, mend what it names and run the same command again.
set -Eeuo pipefail

HOME_OF_PROGRAM=/opt/spinebot
DATA=/var/lib/spinebot
SETTINGS=/etc/spinebot.env
OWN=/etc/spinebot # clinic.yml, certificate
UNITS=(spinebot-actions spinebot-rasa spinebot-web)
PACKAGES=(ca-certificates curl gcc git libc6-dev make nginx-light openssl python3 python3-dev python3-venv)
BEFORE=refs/spinebot/before-upgrade # where the program was
NEW=refs/spinebot/new-version     # what the last upgrade brought
UNDER_WAY=refs/spinebot/upgrade-under-way

say() { printf '\033[1m[spinebot]\033[0m %s\n' "$*"; }
fail() {
  printf '\033[1m[spinebot]\033[0m %s\n' "$*" >&2
  exit 1
}

# As systemd reads the file: no shell looks at the values, and they stand in no list of processes.
with_settings() {
  local name value
  while IFS='=' read -r name value; do
    [[ $name =~ ^[A-Z_]+$ ]] || continue
    [[ $value != \"*\" ]] || value=${value:1:-1}
    export "$name=$value"
  done <"$SETTINGS"
}

# What runs as the bot's own user has the bot's settings, and keeps what it fetches with the program.
as_bot() {
  (
    cd "$HOME_OF_PROGRAM"
    [ ! -r "$SETTINGS" ] || with_settings
    export HOME=$DATA UV_PYTHON_INSTALL_DIR=$HOME_OF_PROGRAM/.venv/python XDG_CACHE_HOME=/var/cache/spinebot
    umask 027
    exec runuser -u spinebot -- "$@"
  )
}
spinebot() { as_bot .venv/app/bin/spinebot "$@"; }
git_there() { as_bot git -c user.name=spinebot -c user.email=spinebot@localhost "$@"; }

install_packages() {
  local missing=() package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null
}

make_user() {
  id spinebot >/dev/null 2>&1 || useradd --system --home-dir "$DATA" --shell /usr/sbin/nologin spinebot
  install -d -o spinebot -g spinebot -m 750 "$DATA" /var/cache/spinebot
}

put_program() {
  local source=$1
  [ "$source" != "$HOME_OF_PROGRAM" ] || return 0
  if [ -e "$HOME_OF_PROGRAM/.git" ]; then
    say "$HOME_OF_PROGRAM is there already and stays; \`deploy/machine.sh upgrade\` brings a new version"
    return
  fi
  [ -e "$source/.git" ] || fail "$source is no git checkout: clone the project and run this in the clone."
  say "putting the program into $HOME_OF_PROGRAM"
  local origin
  origin=$(git -c safe.directory='*' -C "$source" remote get-url origin 2>/dev/null || echo "$source")
  git -c safe.directory='*' clone -q "$source" "$HOME_OF_PROGRAM"
  git -C "$HOME_OF_PROGRAM" remote set-url origin "$origin"
  chown -R spinebot: "$HOME_OF_PROGRAM"
}

put_settings() {
  local name=$1
  install -d -m 750 -g spinebot "$OWN"
  if [ ! -e "$OWN/clinic.yml" ]; then
    install -m 640 -g spinebot "$HOME_OF_PROGRAM/clinic.yml" "$OWN/clinic.yml"
  fi
  if [ ! -e "$SETTINGS" ]; then
    (umask 077; sed "s/bot.clinic.example/$name/" "$HOME_OF_PROGRAM/deploy/systemd/spinebot.env" >"$SETTINGS")
    echo "SPINEBOT_CLINIC_FILE=$OWN/clinic.yml" >>"$SETTINGS"
  fi
}

# The command for whoever is root: `spinebot doctor`.
put_command() {
  {
    cat <<'COMMAND'
#!/usr/bin/env bash
# Runs a command of Spinebot as its own user, with its settings. Written by deploy/machine.sh.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "spinebot: run it as root, for its settings hold secrets: sudo spinebot $*" >&2; exit 1; }
SETTINGS=/etc/spinebot.env
COMMAND
    declare -f with_settings
    cat <<'COMMAND'
with_settings
export HOME=/var/lib/spinebot
cd /opt/spinebot
exec runuser -u spinebot -- .venv/app/bin/spinebot "$@"
COMMAND
  } >/usr/local/bin/spinebot
  chmod 755 /usr/local/bin/spinebot
}

put_units() {
  install -m 644 "$HOME_OF_PROGRAM"/deploy/systemd/*.service /etc/systemd/system/
  systemctl daemon-reload
}

put_nginx() {
  local name=$1 certificate=$2 key=$3
  if [ -z "$certificate" ]; then
    certificate=$OWN/certificate.pem key=$OWN/certificate.key
    if [ ! -e "$certificate" ]; then
      say "making a certificate of its own, which browsers warn of: put a real one into $certificate and $key"
      (umask 077; openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout "$key" -out "$certificate" 2>/dev/null)
    fi
  fi
  install -m 644 "$HOME_OF_PROGRAM/deploy/nginx/proxy.conf" /etc/nginx/spinebot-proxy.conf
  # One web process; the file has two.
  sed -e "s#/etc/ssl/certs/bot.clinic.example.pem#$certificate#" \
    -e "s#/etc/ssl/private/bot.clinic.example.key#$key#" \
    -e "s/bot.clinic.example/$name/" -e '/127.0.0.1:8001/d' \
    "$HOME_OF_PROGRAM/deploy/nginx/spinebot.conf" >/etc/nginx/conf.d/spinebot.conf
  nginx -q -t
  systemctl enable -q nginx
  systemctl reload-or-restart nginx
}

build() {
  as_bot make setup
  local name python home
  home=$(getent passwd root | cut -d: -f6)
  for name in app rasa; do
    python=$(readlink -f "$HOME_OF_PROGRAM/.venv/$name/bin/python")
    case $python in
      "$home"/* | /home/* | /run/user/*)
        rm -rf "$HOME_OF_PROGRAM/.venv/$name"
        fail "$python lies in somebody's home, which the units do not see. Put that Python elsewhere (/opt, say), or take it out of PATH so that one is fetched; then run this again."
        ;;
    esac
  done
}

wait_until_ready() {
  local port began=$SECONDS
  port=$(grep -oP '^SPINEBOT_WEB_PORT=\K\d+' "$SETTINGS" || echo 8000)
  until curl -fsS -m 5 "http://127.0.0.1:$port/readyz" >/dev/null 2>&1; do
    [ $((SECONDS - began)) -lt 300 ] || fail "it is not ready after five minutes: \`spinebot doctor\` says why."
    sleep 1
  done
}

do_install() {
  local name=${1:-} certificate="" key="" admin=""
  [[ $name =~ ^[a-z0-9.-]+$ ]] || fail "install wants the bot's name in the net, such as bot.clinic.example"
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --certificate) certificate=${2:?} ;;
      --key) key=${2:?} ;;
      --admin) admin=${2:?} ;;
      *) fail "what is $1? The head of this file tells how to call it." ;;
    esac
    shift 2
  done
  [ -z "$certificate$key" ] || { [ -r "$certificate" ] && [ -r "$key" ]; } || fail "--certificate and --key must both be files"
  install_packages
  make_user
  put_program "$(cd "$(dirname "$0")/.." && pwd)"
  put_settings "$name"
  say "building the environments and the sentence encoder: some ten minutes"
  build
  put_command
  spinebot clinic check
  spinebot articles load
  [ -e "$DATA/models/live" ] || spinebot train
  put_units
  systemctl enable -q --now "${UNITS[@]}"
  put_nginx "$name" "$certificate" "$key"
  wait_until_ready
  say "ready"
  [ -z "$admin" ] || spinebot accounts invite "$admin" "${admin%@*}" --role admin
  say "https://$name is there. Next: put your clinic into $OWN/clinic.yml, then \`spinebot clinic check\`."
}

restart() {
  local unit
  put_units
  # One after the other: what visitors write meanwhile waits in the web process, then in the widget.
  for unit in "${UNITS[@]}"; do
    systemctl restart "$unit"
    wait_until_ready
  done
}

train_if_changed() {
  local code='import sys; from spinebot.training import models as m; live = m.live_model(); sys.exit(not (live and m.is_current(live)))'
  as_bot .venv/app/bin/python -c "$code" || spinebot train
}

# What the program on the disk needs before its processes are started.
prepare() {
  build
  spinebot articles load # brings the tables up to date, too
  train_if_changed
}

# A checkout of somebody else's is read as root, for git trusts nobody else's to the bot's user.
fetch_version() {
  local source=$1 bundle
  [ "$source" != origin ] || source=$(git_there remote get-url origin)
  [ -d "$source" ] || { git_there fetch -q "$source" HEAD; return; }
  bundle=$(mktemp --suffix=.bundle)
  git -c safe.directory='*' -C "$source" bundle create -q "$bundle" HEAD
  chmod 644 "$bundle"
  git_there fetch -q "$bundle" HEAD
  rm -f "$bundle"
}

do_upgrade() {
  local source=${1:-origin} archive
  archive="$DATA/backups/before-upgrade-$(date +%Y%m%d-%H%M%S).tar.gz"
  as_bot mkdir -p "$DATA/backups"
  spinebot backup "$archive"
  # One that stopped half way began at the version before: it is where a rollback leads.
  if ! git_there rev-parse -q --verify "$UNDER_WAY" >/dev/null; then
    git_there update-ref "$BEFORE" HEAD
    git_there update-ref -d "$NEW"
  fi
  git_there update-ref "$UNDER_WAY" HEAD
  trap 'say "the upgrade stopped. Mend what stands above and run this again, or take it back: deploy/machine.sh rollback" >&2' ERR
  fetch_version "$source"
  # What trainers have changed here are commits of their own: they stay.
  git_there merge -q --no-edit FETCH_HEAD || {
    git_there merge --abort || true
    fail "the new version and what was changed here touch the same lines. Nothing was changed; merge by hand in $HOME_OF_PROGRAM, then run this again."
  }
  git_there update-ref "$NEW" FETCH_HEAD
  prepare
  restart
  trap - ERR
  git_there update-ref -d "$UNDER_WAY"
  spinebot doctor || true
  say "upgraded; the data as they were before are in $archive. Back: deploy/machine.sh rollback"
}

do_rollback() {
  git_there rev-parse -q --verify "$NEW" >/dev/null || fail "there was no upgrade to take back"
  [ -z "$(git_there status --porcelain --untracked-files=no)" ] || fail "files in $HOME_OF_PROGRAM were changed by hand: commit them there, or take them back."
  # What trainers have changed since, which neither version knows, goes on top of the version before.
  local own upgraded
  upgraded=$(git_there rev-parse HEAD)
  own=$(git_there rev-list --reverse --no-merges HEAD --not "$BEFORE" "$NEW")
  git_there reset -q --hard "$BEFORE"
  # shellcheck disable=SC2086
  [ -z "$own" ] || git_there cherry-pick $own >/dev/null || {
    git_there cherry-pick --abort || true
    git_there reset -q --hard "$upgraded"
    fail "what trainers changed since the upgrade does not fit the version before. Nothing was changed."
  }
  git_there update-ref -d "$NEW"
  git_there update-ref -d "$UNDER_WAY"
  prepare
  restart
  say "the version before runs again, with today's data"
}

do_uninstall() {
  systemctl disable -q --now "${UNITS[@]}" 2>/dev/null || true
  rm -f /etc/systemd/system/spinebot-*.service /etc/nginx/conf.d/spinebot.conf /etc/nginx/spinebot-proxy.conf /usr/local/bin/spinebot
  systemctl daemon-reload
  systemctl reset-failed "${UNITS[@]}" 2>/dev/null || true
  systemctl reload-or-restart nginx 2>/dev/null || true
  if [ -e "$HOME_OF_PROGRAM/.git" ]; then
    git_there bundle create -q "$DATA/program.bundle" --all
  fi
  rm -rf "$HOME_OF_PROGRAM" /var/cache/spinebot
  say "gone. The data stay in $DATA, with what trainers changed in the program (program.bundle); the settings in $SETTINGS and $OWN."
}

# Tests take the functions from here.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

[ "$(id -u)" = 0 ] || fail "run it as root: sudo $0 $*"
command -v apt-get >/dev/null && command -v systemctl >/dev/null || fail "this is for Debian with systemd; docs/operations.md has the other ways"
verb=${1:-}
shift || true
case $verb in
  install) do_install "$@" ;;
  upgrade) do_upgrade "$@" ;;
  rollback) do_rollback ;;
  uninstall) do_uninstall ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
