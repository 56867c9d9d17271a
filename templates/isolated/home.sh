{# `|safe` below: a quoted value may not stand inside double quotes, and a profile is a-z, 0-9, - and _ only, a Uid a number. -#}
who=$(id -u) || who=unknown
[ "${who}" = 0 ] || fail "only root can drop to a user of the gateway's own: start the container without --user"
# That number may be nobody else's: neither a user's nor a group's.
code=0
other=$(grep -h '^[^:]*:[^:]*:{{ uid|safe }}:' /etc/passwd /etc/group) || code=$?
case "${code}" in
  1) ;;
  0) fail "uid {{ uid|safe }} is that of '${other%%:*}', too: give the gateway another one" ;;
  *) fail "cannot read /etc/passwd and /etc/group" ;;
esac

: "${HERMES_HOMES:=/opt/homes}"
case "${HERMES_HOMES}" in
  /*) ;;
  *) fail "HERMES_HOMES must be an absolute path, not '${HERMES_HOMES}'" ;;
esac
homes=$(cd -P "${HERMES_HOMES}" 2>/dev/null && pwd -P) || fail "cannot enter HERMES_HOMES, '${HERMES_HOMES}': is the volume there?"
# Whoever can write it, or a directory above it, could lead root to another one.
set -- /
above=${homes%/}
while [ -n "${above}" ]; do
  set -- "$@" "${above}"
  above=${above%/*}
done
open=$(find "$@" -prune \( ! -user 0 -o -perm -020 -o -perm -002 \)) || fail "cannot look at HERMES_HOMES, '${homes}'"
[ -z "${open}" ] || fail "HERMES_HOMES, '${homes}', is not root's alone: chown root and chmod go-w" "${open}"

# Root makes this one directory, and gives it away once. A volume of the gateway's own may be mounted there: it is root's, too, and empty.
HERMES_HOME="${homes%/}/{{ own.whose.1|safe }}"
said=$(mkdir -m 0700 "${HERMES_HOME}" 2>&1) || [ -d "${HERMES_HOME}" ] || fail "cannot make its home: ${said}"
said=
found=$(find "${HERMES_HOME}" -prune -type d -user 0) || fail "cannot look at its home, '${HERMES_HOME}'"
if [ -n "${found}" ]; then
  inside=$(ls -A "${HERMES_HOME}") || fail "cannot look into its home, '${HERMES_HOME}'"
  if [ -z "${inside}" ]; then
    # Gateway and logger may both do it: whose it is then is what counts.
    said=$(chmod 0700 "${HERMES_HOME}" 2>&1 && chown {{ uid }}:{{ uid }} "${HERMES_HOME}" 2>&1) || :
  fi
fi
found=$(find "${HERMES_HOME}" -prune -type d -user {{ uid }}) || fail "cannot look at its home, '${HERMES_HOME}'"
[ -z "${said}" ] || [ -n "${found}" ] || fail "cannot give it its home: ${said}"
[ -n "${found}" ] || fail "its home, '${HERMES_HOME}', is no directory of user {{ uid|safe }}: move it away, or give the gateway the uid of its owner"
umask 077
