#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for profile {{ profile }}.
# Do not edit: change what it was rendered from and run gen-service again.
{%- if has_dollars %}
# shellcheck disable=SC2016 # a dollar or a backquote in a value is meant literally
{%- endif %}
set -eu
exec 2>&1 # or the gateway's stderr never reaches its log

fail() {
  printf '%s: %s\n' gateway-{{ profile }} "$*"
  exit 78 # EX_CONFIG: ./finish then leaves the gateway down
}

: "${HERMES_HOME:=/opt/data}"
case "${HERMES_HOME}" in
  /*) ;;
  *) fail "HERMES_HOME must be an absolute path, not '${HERMES_HOME}'" ;;
esac
export HERMES_HOME
export HOME="${HERMES_HOME}" # s6-setuidgid would leave root's
cd "${HERMES_HOME}" 2>/dev/null || fail "cannot enter HERMES_HOME, '${HERMES_HOME}': is the volume there?"
{%- for (name, value) in exports %}
{%- if loop.first %}
{% endif %}
export {{ name }}={{ value }}
{%- endfor %}
{%- for (name, file) in secrets %}

{{ name }}=$(cat {{ file }}) || fail "cannot read the secret" {{ name }} from {{ file }}
export {{ name }}
{%- endfor %}

{# `|safe` below: a quoted value may not stand inside quotes, and a ProfileName is only a-z, 0-9, - and _. -#}
# Where it cannot write, Hermes would fail in its own way, again and again.
set -- sh -c '[ -w . ] && mkdir -p logs/gateways/{{ profile|safe }} && [ -w logs/gateways/{{ profile|safe }} ]'
case "$(id -u)" in
  # An ordinary user already (docker run --user): nothing to drop.
  [1-9]*)
    "$@" 2>/dev/null || fail "cannot write HERMES_HOME, '${HERMES_HOME}', as the user of this container"
    exec{% for word in command %} {{ word }}{% endfor %}
    ;;
  *) ;;
esac
s6-setuidgid {{ user }} "$@" 2>/dev/null || fail "cannot write HERMES_HOME, '${HERMES_HOME}', as" {{ user }}
exec s6-setuidgid {{ user }}{% for word in command %} {{ word }}{% endfor %}
