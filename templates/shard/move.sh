{# In comments, names of profiles and numbers stand as they are. -#}
#!/bin/sh
# shellcheck shell=sh disable=SC2310 # what is asked for in an if answers yes or no, or ends all
# Written by gatewayctl shard: from {{ from|safe }} replicas to {{ to|safe }}, {{ moves.len()|safe }} of {{ all|safe }} gateways move.
{%- for one in moves %}
#   {{ one.profile|safe }}: {{ one.from|safe }} -> {{ one.to|safe }}
{%- endfor %}
{%- for (shard, stays) in stays %}
#   in {{ shard|safe }} stay: {{ stays|safe }}
{%- endfor %}
{%- if moves.is_empty() %}
echo 'nothing moves'
{%- else %}
#
# Run it in this order, in a directory of your own, where it keeps what it moves:
#   sh move.sh leave    stops what leaves, and keeps it here. If it fails, mend that and run it again.
#   then change the number of replicas: GATEWAYS_SHARD=…/{{ to|safe }}, with GATEWAYS_SHARDS_BEFORE={{ from|safe }}
#   sh move.sh arrive   puts it to its new place, and starts what ran. If it fails, mend that and run it again.
#   sh move.sh delete   removes what is left at the old place, and what is kept here, keys among it
set -eu
umask 077

# Runs a command in a replica.
# shellcheck disable=SC2016 # what is to be expanded in a command, eval does
replica() {
  number=$1
  shift
  case "${number}" in
{%- for (shard, command) in commands %}
    {{ shard }}) command={{ command }} ;;
{%- endfor %}
    *) exit 2 ;;
  esac
  eval "${command} \"\$@\""
}

# Runs a script in a replica: as root, or as the user of the gateways, with the home of Hermes in $home.
as_root() {
  to=$1 script=$2
  shift 2
  replica "${to}" sh -euc "${script}" sh "$@"
}
as_user() {
  to=$1 user=$2 script=$3
  shift 3
  # shellcheck disable=SC2016 # the shells in the replica expand it
  as_root "${to}" '
    user=$1 script=$2
    shift 2
    export HOME="${HERMES_HOME:-/opt/data}" HERMES_HOME="${HERMES_HOME:-/opt/data}"
    set -- sh -euc "home=\${HERMES_HOME}; ${script}" sh "$@"
    [ "$(id -u)" -ne 0 ] || set -- /command/s6-setuidgid "${user}" "$@"
    exec "$@"
  ' "${user}" "${script}" "$@"
}

# Whether something is there in a replica: only a clear answer is one.
# shellcheck disable=SC2016 # the shells in the replica expand it
has_profile() { # REPLICA PROFILE USER
  answer=$(as_user "$1" "$3" 'if [ -e "${home}/profiles/$1" ]; then echo yes; else echo no; fi' "$2")
  yes_or_no
}
yes_or_no() {
  case "${answer}" in
    yes) return 0 ;;
    no) return 1 ;;
    *) exit 1 ;;
  esac
}

# Writes down how a gateway is, the first time, and stops it for good.
stop() { # REPLICA PROFILE
  if [ ! -e "$2.was" ]; then
    code=0
    replica "$1" gatewayctl --quiet status "profile:$2" || code=$?
    case "${code}" in
      0) echo up >"$2.was" ;;
      3) echo down >"$2.was" ;;
      4) echo none >"$2.was" ;;
      *) exit 1 ;;
    esac
  fi
  read -r was <"$2.was"
  [ "${was}" = none ] || replica "$1" gatewayctl --quiet stop --save "profile:$2"
}

# Keeps something here, whole or not at all.
keep() { # FILE COMMAND...
  file=$1
  shift
  "$@" >"${file}.part"
  mv "${file}.part" "${file}"
}

# Hermes exports no keys: .env and auth.json go beside.
# shellcheck disable=SC2016 # the shells in the replica expand it
leave() { # REPLICA PROFILE USER
  [ ! -e "$2.left" ] || return 0
  stop "$1" "$2"
  if has_profile "$1" "$2" "$3"; then
    keep "$2.tar.gz" as_user "$1" "$3" 'dir=$(mktemp -d); hermes profile export "$1" -o "${dir}/$1.tar.gz" >&2; cat "${dir}/$1.tar.gz"; rm -r "${dir}"' "$2"
    keep "$2.keys.tar" as_user "$1" "$3" 'list=$(mktemp); cd "${home}/profiles/$1"; find . -type f "(" -name .env -o -name auth.json ")" >"${list}"; tar -cf - -T "${list}"; rm "${list}"' "$2"
  fi
  : >"$2.left"
  printf '%s has left %s, where it was %s\n' "$2" "$1" "${was}"
}
# shellcheck disable=SC2016 # as above
arrive() { # REPLICA PROFILE USER
  [ ! -e "$2.arrived" ] || return 0
  has_left "$2"
  if [ -e "$2.tar.gz" ]; then
    if has_profile "$1" "$2" "$3"; then
      printf '%s is in %s already: was GATEWAYS_SHARDS_BEFORE set? If what is there can go, delete it, and run this again.\n' "$2" "$1" >&2
      exit 1
    fi
    as_user "$1" "$3" 'export TMPDIR="${home}"; dir=$(mktemp -d); cat >"${dir}/$1.tar.gz"; hermes profile import "${dir}/$1.tar.gz" --name "$1" >&2; rm -r "${dir}"' "$2" <"$2.tar.gz"
    as_user "$1" "$3" 'cd "${home}/profiles/$1"; tar -xpf -' "$2" <"$2.keys.tar"
  fi
  settle "$1" "$2"
}
# shellcheck disable=SC2016 # as above
delete() { # REPLICA PROFILE USER
  has_arrived "$2"
  if has_profile "$1" "$2" "$3"; then
    as_user "$1" "$3" 'hermes profile delete "$1" --yes >&2' "$2"
  fi
}
{%- if has_isolated %}

# An isolated gateway has a home of its own, which is moved whole, by the user of its own: root touches nothing in it.
# shellcheck disable=SC2016 # as above
has_home() { # REPLICA PROFILE
  answer=$(as_root "$1" 'if [ -e "${HERMES_HOMES:-/opt/homes}/$1" ]; then echo yes; else echo no; fi' "$2")
  yes_or_no
}
# shellcheck disable=SC2016 # as above
leave_isolated() { # REPLICA PROFILE
  [ ! -e "$2.left" ] || return 0
  stop "$1" "$2"
  if has_home "$1" "$2"; then
    keep "$2.owner" as_root "$1" 'stat -c %u "${HERMES_HOMES:-/opt/homes}/$1"' "$2"
    read -r owner <"$2.owner"
    keep "$2.home.tar" as_root "$1" 'cd "${HERMES_HOMES:-/opt/homes}"; exec /command/s6-applyuidgid -u "$2" -g "$2" -G "" tar -cpf - "$1"' "$2" "${owner}"
  fi
  : >"$2.left"
  printf '%s has left %s, where it was %s\n' "$2" "$1" "${was}"
}
# shellcheck disable=SC2016 # as above
arrive_isolated() { # REPLICA PROFILE
  [ ! -e "$2.arrived" ] || return 0
  has_left "$2"
  if [ -e "$2.home.tar" ]; then
    if has_home "$1" "$2"; then
      printf '%s is in %s already: was GATEWAYS_SHARDS_BEFORE set? If what is there can go, delete it, and run this again.\n' "$2" "$1" >&2
      exit 1
    fi
    read -r owner <"$2.owner"
    as_root "$1" 'cd "${HERMES_HOMES:-/opt/homes}"; mkdir -m 700 "$1"; chown "$2:$2" "$1"; exec /command/s6-applyuidgid -u "$2" -g "$2" -G "" tar -xpf -' "$2" "${owner}" <"$2.home.tar"
  fi
  settle "$1" "$2"
}
# shellcheck disable=SC2016 # as above
delete_isolated() { # REPLICA PROFILE
  has_arrived "$2"
  if has_home "$1" "$2"; then
    as_root "$1" 'cd "${HERMES_HOMES:-/opt/homes}"; owner=$(stat -c %u "$1"); /command/s6-applyuidgid -u "${owner}" -g "${owner}" -G "" find "$1" -mindepth 1 -delete; rmdir "$1"' "$2"
  fi
}
{%- endif %}

has_left() { # PROFILE
  [ -e "$1.left" ] || {
    printf '%s has not left yet\n' "$1" >&2
    exit 1
  }
}
has_arrived() { # PROFILE
  [ -e "$1.arrived" ] || {
    printf '%s has not arrived yet\n' "$1" >&2
    exit 1
  }
}

# Gives what has arrived its gateway, and starts it if it ran.
settle() { # REPLICA PROFILE
  replica "$1" gatewayctl --quiet reconcile
  read -r was <"$2.was"
  [ "${was}" != up ] || replica "$1" gatewayctl --quiet start --save "profile:$2"
  : >"$2.arrived"
  printf '%s is in %s now\n' "$2" "$1"
}

forget() { # PROFILE
  rm -f "$1.was" "$1.left" "$1.arrived" "$1.tar.gz" "$1.keys.tar" "$1.home.tar" "$1.owner"
}

case "${1-}" in
  leave)
{%- for one in moves %}
    {% if one.is_isolated() %}leave_isolated {{ one.from }} {{ one.profile }}{% else %}leave {{ one.from }} {{ one.profile }} {{ one.user() }}{% endif %}
{%- endfor %}
    ;;
  arrive)
{%- for one in moves %}
    {% if one.is_isolated() %}arrive_isolated {{ one.to }} {{ one.profile }}{% else %}arrive {{ one.to }} {{ one.profile }} {{ one.user() }}{% endif %}
{%- endfor %}
    ;;
  delete)
{%- for one in moves if one.from < to %}
    {% if one.is_isolated() %}delete_isolated {{ one.from }} {{ one.profile }}{% else %}delete {{ one.from }} {{ one.profile }} {{ one.user() }}{% endif %}
{%- endfor %}
{%- for one in moves %}
    forget {{ one.profile }}
{%- endfor %}
    ;;
  *)
    printf 'give leave, arrive or delete\n' >&2
    exit 2
    ;;
esac
{%- endif %}
