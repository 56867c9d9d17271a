{# In comments, names of profiles and numbers are not quoted. -#}
#!/bin/sh
# shellcheck shell=sh disable=SC2310 # each function in an if answers yes or no, or ends the script
# Written by gatewayctl shard: from {{ from|safe }} replicas to {{ to|safe }}, {{ moves.len()|safe }} of {{ all|safe }} gateways move.
{%- for one in moves %}
#   {{ one.profile|safe }}: {{ one.from|safe }} -> {{ one.to|safe }}
{%- endfor %}
{%- for (shard, stays) in stays %}
#   replica {{ shard|safe }} keeps {{ stays|safe }}
{%- endfor %}
{%- if moves.is_empty() %}
echo 'nothing moves'
{%- else %}
#
# Run the script in your own directory, because it keeps the profiles that move there. Run its steps in this order:
#   sh move.sh leave    stops each gateway that moves, and copies its profile to this directory
#   then change the number of replicas: GATEWAYS_SHARD=…/{{ to|safe }}, with GATEWAYS_SHARDS_BEFORE={{ from|safe }}
#   sh move.sh arrive   copies each profile to its new replica, and starts the gateways that ran before
#   sh move.sh delete   removes each profile from its old replica, and the copies in this directory, which hold keys
# If a step fails, remove the cause, and run the same step again.
set -eu
umask 077

# Runs a command in a replica.
# shellcheck disable=SC2016 # eval expands the command
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

# These two run a script in a replica: as root, or as the user of the gateways with the home of Hermes in $home.
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

# Asks if a profile exists in a replica. Any answer but yes or no ends the script.
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

# Writes down the state of a gateway, the first time only. Then stops the gateway for good.
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

# Keeps the output of a command in a file here. The file is complete, or does not exist.
keep() { # FILE COMMAND...
  file=$1
  shift
  "$@" >"${file}.part"
  mv "${file}.part" "${file}"
}

# Hermes does not export keys, so .env and auth.json go into an archive of their own.
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
      printf '%s is in %s already: was GATEWAYS_SHARDS_BEFORE set? If nobody needs that copy, delete it, and run this step again.\n' "$2" "$1" >&2
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

# An isolated gateway has its own home and its own user. This user packs and unpacks the whole home: root touches nothing in it.
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
      printf '%s is in %s already: was GATEWAYS_SHARDS_BEFORE set? If nobody needs that copy, delete it, and run this step again.\n' "$2" "$1" >&2
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

# Gives a profile that has arrived its gateway, and starts the gateway if it ran before.
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
    printf 'usage: sh move.sh leave|arrive|delete\n' >&2
    exit 2
    ;;
esac
{%- endif %}
