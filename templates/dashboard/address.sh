{# `|safe` below: a quoted value cannot be inside quotes. A HostName has only letters, digits, `.`, `:` and `-`, and a Port is a number. -#}
# The variables of the container override these values. The dashboard never gets --insecure.
: "${HERMES_DASHBOARD_HOST:={{ host|safe }}}" "${HERMES_DASHBOARD_PORT:={{ port|safe }}}"
case "${HERMES_DASHBOARD_HOST}" in
  -*) fail "HERMES_DASHBOARD_HOST must be an IP address or a host name, not '${HERMES_DASHBOARD_HOST}'" ;;
  *) ;;
esac
case "${HERMES_DASHBOARD_PORT}" in
  [1-9] | [1-9][0-9] | [1-9][0-9][0-9] | [1-9][0-9][0-9][0-9] | [1-5][0-9][0-9][0-9][0-9]) ;;
  6[0-4][0-9][0-9][0-9] | 65[0-4][0-9][0-9] | 655[0-2][0-9] | 6553[0-5]) ;;
  *) fail "HERMES_DASHBOARD_PORT must be a number from 1 to 65535, not '${HERMES_DASHBOARD_PORT}'" ;;
esac
