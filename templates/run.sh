#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
{%- if has_dollars %}
# shellcheck disable=SC2016 # a dollar or a backquote in a value is meant literally
{%- endif %}
set -eu
exec 2>&1 # or the {{ own.kind }}'s stderr never reaches its log

fail() {
  printf '%s: %s\n' {{ own.service }} "$*"
  exit 78 # EX_CONFIG: ./finish then leaves the {{ own.kind }} down
}
{# #}
{%- match owner %}
{%- when Owner::Shared(_) %}
: "${HERMES_HOME:=/opt/data}"
case "${HERMES_HOME}" in
  /*) ;;
  *) fail "HERMES_HOME must be an absolute path, not '${HERMES_HOME}'" ;;
esac
export HERMES_HOME
export HOME="${HERMES_HOME}" # s6-setuidgid would leave root's
cd "${HERMES_HOME}" 2>/dev/null || fail "cannot enter HERMES_HOME, '${HERMES_HOME}': is the volume there?"
{%- when Owner::Isolated(uid) %}
{%- if !secrets.is_empty() %}
# That of the gateways that share one.
data=$(cd -P "${HERMES_HOME:-/opt/data}" 2>/dev/null && pwd -P) || data=/opt/data
{%- endif %}
{% include "isolated/home.sh" %}
export HERMES_HOME
export HOME="${HERMES_HOME}" USER={{ own.whose.1 }} LOGNAME={{ own.whose.1 }}
# Hermes keeps locks of its user there; for this one there are no others.
export HERMES_GATEWAY_LOCK_DIR="${HERMES_HOME}/gateway-locks"
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME
cd "${HERMES_HOME}" || fail "cannot enter its home, '${HERMES_HOME}'"
{%- endmatch %}
{%- if let Some((host, port)) = address %}

{% include "dashboard/address.sh" %}
{%- endif %}
{%- for (name, file) in secrets %}
{%- if loop.first %}
{# #}
# Root reads them: in a home, whose it is could put a symlink to any file in their place. So where they really are counts, and where each link is.
{%- if !owner.is_isolated() %}
data=$(pwd -P)
homes=$(cd -P "${HERMES_HOMES:-/opt/homes}" 2>/dev/null && pwd -P) || homes=/opt/homes
{%- endif %}
outside() {
  at=$2
  links=0
  while [ "${links}" -lt 40 ]; do
    above=$(cd -P "${at%/*}/" 2>/dev/null && pwd -P) || fail "cannot read the secret $1 from $2: there is no ${at%/*}"
    case "${above}/" in
      "${data%/}"/* | "${homes%/}"/*) fail "the secret $2 lies in a home, whose user could have root read any file" ;;
      *) ;;
    esac
    [ -L "${at}" ] || return 0
    link=$(readlink "${at}") || break
    case "${link}" in
      /*) at=${link} ;;
      *) at=${above%/}/${link} ;;
    esac
    links=$((links + 1))
  done
  fail "cannot read the secret $1 from $2: it is behind too many links"
}
{%- endif %}
outside {{ name }} {{ file }}
{{ name }}=$(cat {{ file }}) || fail "cannot read the secret" {{ name }} from {{ file }}
export {{ name }}
{%- endfor %}

{# `|safe` below: a quoted value may not stand inside quotes, and this is a-z, 0-9, -, _ and / only. -#}
# Whether Hermes can work here, asked as its user: if it cannot write, it would fail in its own way, again and again. That user must
# reach the directory by itself, too: root may have been led into one by a symlink.
usable() {
  # shellcheck disable=SC2016 # the other shell expands it
  "$@" sh -c '[ . -ef "${HERMES_HOME}" ] && [ -w . ] && mkdir -p {{ own.logs|safe }}{% if owner.is_isolated() %} tmp{% endif %} && [ -w {{ own.logs|safe }} ]{% if owner.is_isolated() %} && [ -w tmp ]{% endif %}' 2>/dev/null
}
{%- for (name, value) in entries %}
{%- if loop.first %}

# env sets these for Hermes alone. Nothing that still runs as root acts on them, and no shell does.
set -- env \
{%- endif %}
  {{ name }}={{ value }}{% if !loop.last %} \{% endif %}
{%- endfor %}
{%- match owner %}
{%- when Owner::Shared(user) %}

case "$(id -u)" in
  # An ordinary user already (docker run --user): nothing to drop.
  [1-9]*)
    # shellcheck disable=SC2310 # it is one command, and its exit code is what is asked for
    usable || fail "cannot write HERMES_HOME, '${HERMES_HOME}', as the user of this container"
    exec{% if !entries.is_empty() %} "$@"{% endif %}{% for word in command %} {{ word }}{% endfor %}{% if address.is_some() %} --host "${HERMES_DASHBOARD_HOST}" --port "${HERMES_DASHBOARD_PORT}" --no-open{% endif %}
    ;;
  *) ;;
esac
# shellcheck disable=SC2310 # as above
usable s6-setuidgid {{ user }} || fail "cannot write HERMES_HOME, '${HERMES_HOME}', as" {{ user }}
exec s6-setuidgid {{ user }}{% if !entries.is_empty() %} "$@"{% endif %}{% for word in command %} {{ word }}{% endfor %}{% if address.is_some() %} --host "${HERMES_DASHBOARD_HOST}" --port "${HERMES_DASHBOARD_PORT}" --no-open{% endif %}
{%- when Owner::Isolated(uid) %}

# shellcheck disable=SC2310 # as above
usable s6-applyuidgid -u {{ uid }} -g {{ uid }} -G '' || fail "cannot write its home, '${HERMES_HOME}', as user" {{ uid }}
# In /tmp, another user could be the first to make a directory whose name Hermes has for everybody.
exec s6-applyuidgid -u {{ uid }} -g {{ uid }} -G '' env TMPDIR="${HERMES_HOME}/tmp"{% if !entries.is_empty() %} "$@"{% endif %}{% for word in command %} {{ word }}{% endfor %}
{%- endmatch %}
