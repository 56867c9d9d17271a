#!/command/with-contenv sh
# shellcheck shell=sh
# Written by gen-service for {{ own.whose.0 }} {{ own.whose.1 }}.
# Do not edit: change what it was rendered from and run gen-service again.
set -eu
exec 2>&1

{% if own.in_s6_rc -%}
# s6-rc waits for the logger, with all that starts after it. So one that never logs says that it is ready, as does one that waits.
ready() {
  printf '\n' 2>/dev/null >&3 || :
}

{% endif -%}
fail() {
  printf '%s: %s\n' {{ own.logger }} "$*"
{%- if own.in_s6_rc %}
  ready
{%- endif %}
  s6-svc -O . 2>/dev/null || : # or a logger that cannot log would be started again every second
  exit 78
}
{# #}
{%- match owner %}
{%- when Owner::Shared(_) %}
: "${HERMES_HOME:=/opt/data}"
case "${HERMES_HOME}" in
  /*) ;;
  *) fail "HERMES_HOME must be an absolute path, not '${HERMES_HOME}'" ;;
esac
{%- when Owner::Isolated(uid) %}
{% include "isolated/home.sh" %}
{%- endmatch %}

{# `|safe` below: a quoted value may not stand inside double quotes, and this is a-z, 0-9, -, _ and / only. -#}
logs="${HERMES_HOME}/{{ own.logs|safe }}"
{%- match owner %}
{%- when Owner::Shared(user) %}
case "$(id -u)" in
  # An ordinary user already (docker run --user): nothing to drop.
  [1-9]*) set -- ;;
  # Never as root: it would follow a symlink that the service user planted below HERMES_HOME.
  *) set -- s6-setuidgid {{ user }} ;;
esac
{%- when Owner::Isolated(uid) %}
# Never as root: it would follow a symlink that this user planted in its home.
set -- s6-applyuidgid -u {{ uid }} -g {{ uid }} -G ''
{%- endmatch %}

said=$("$@" mkdir -p "${logs}" 2>&1) || fail "cannot log to ${logs}: ${said}"
code=0
said=$("$@" s6-setlock -n "${logs}/lock" true 2>&1) || code=$?
case "${code}" in
  0) ;;
  1)
    # s6-log would fail each second. Once the other one has ended, so does this, and s6-supervise starts it again.
    printf '%s: waiting for %s, which another logger has locked\n' {{ own.logger }} "${logs}"
{%- if own.in_s6_rc %}
    ready
{%- endif %}
    exec "$@" s6-setlock "${logs}/lock" true
    ;;
  *) fail "cannot log to ${logs}: ${said}" ;;
esac
{%- if to_container %}

# The container's log gets each line, too, behind the name of its profile, but for lines with control characters, which a terminal would
# act on: those of ASCII but the tab, DEL, and those of C1, as UTF-8 has them. With -b, s6-log reads no more than it can write.
tab=$(printf '\t')
c1=$(printf '\177' && printf '|\302%b' \
  '\0200' '\0201' '\0202' '\0203' '\0204' '\0205' '\0206' '\0207' '\0210' '\0211' '\0212' '\0213' '\0214' '\0215' '\0216' '\0217' \
  '\0220' '\0221' '\0222' '\0223' '\0224' '\0225' '\0226' '\0227' '\0230' '\0231' '\0232' '\0233' '\0234' '\0235' '\0236' '\0237')
exec "$@" s6-log -b -d3 n{{ log_files }} s{{ log_size }} T "${logs}" \
  - "+^([^[:cntrl:]]|${tab})*\$" "-${c1}" p{{ own.whose.1 }}: 1
{%- else %}
exec "$@" s6-log -d3 n{{ log_files }} s{{ log_size }} T "${logs}"
{%- endif %}
