{# `|safe` below: a quoted value cannot be inside double quotes. A profile has only a-z, 0-9, - and _, and a Uid is a number. -#}
who=$(id -u) || who=unknown
[ "${who}" = 0 ] || fail "only root can change to the gateway's own user: start the container without --user"
# No other user, and no group, may have this number.
code=0
other=$(grep -h '^[^:]*:[^:]*:{{ uid|safe }}:' /etc/passwd /etc/group) || code=$?
case "${code}" in
  1) ;;
  0) fail "uid {{ uid|safe }} belongs to '${other%%:*}', too: give the gateway another uid" ;;
  *) fail "cannot read /etc/passwd and /etc/group" ;;
esac

: "${HERMES_HOMES:=/opt/homes}"
case "${HERMES_HOMES}" in
  /*) ;;
  *) fail "HERMES_HOMES must be an absolute path, not '${HERMES_HOMES}'" ;;
esac
homes=$(cd -P "${HERMES_HOMES}" 2>/dev/null && pwd -P) || fail "cannot enter HERMES_HOMES, '${HERMES_HOMES}': is the volume there?"
# A user who can write this directory, or a directory above it, could lead root to another directory.
set -- /
above=${homes%/}
while [ -n "${above}" ]; do
  set -- "$@" "${above}"
  above=${above%/*}
done
open=$(find "$@" -prune \( ! -user 0 -o -perm -020 -o -perm -002 \)) || fail "cannot look at HERMES_HOMES, '${homes}'"
[ -z "${open}" ] || fail "users other than root can change HERMES_HOMES, '${homes}': chown root and chmod go-w" "${open}"

# Root creates the home, and gives it to the user once. If a volume is mounted there, it belongs to root and is empty, too.
HERMES_HOME="${homes%/}/{{ own.whose.1|safe }}"
said=$(mkdir -m 0700 "${HERMES_HOME}" 2>&1) || [ -d "${HERMES_HOME}" ] || fail "cannot make its home: ${said}"
said=
found=$(find "${HERMES_HOME}" -prune -type d -user 0) || fail "cannot look at its home, '${HERMES_HOME}'"
if [ -n "${found}" ]; then
  inside=$(ls -A "${HERMES_HOME}") || fail "cannot look into its home, '${HERMES_HOME}'"
  if [ -z "${inside}" ]; then
    # The gateway and its logger may both do this. If one fails because of the other, the next check still finds the right owner.
    said=$(chmod 0700 "${HERMES_HOME}" 2>&1 && chown {{ uid }}:{{ uid }} "${HERMES_HOME}" 2>&1) || :
  fi
fi
found=$(find "${HERMES_HOME}" -prune -type d -user {{ uid }}) || fail "cannot look at its home, '${HERMES_HOME}'"
[ -z "${said}" ] || [ -n "${found}" ] || fail "cannot give its home to user {{ uid|safe }}: ${said}"
[ -n "${found}" ] || fail "its home, '${HERMES_HOME}', is not a directory of user {{ uid|safe }}: move it away, or give the gateway the uid of its owner"
umask 077
