{# `|safe` below: a quoted value may not stand inside quotes, and a HostName is only letters, digits, `.`, `:` and `-`; a Port is a number. -#}
# What the container says wins. It never is --insecure, which is for who starts Hermes himself.
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
