//! The operator's terminal: no process of the service user reaches it.

use std::fs;

use super::{Openat2, live, sandbox};

/// Records what it can reach: a terminal, a session, descriptors, variables.
const PRY: &str = r"
case $* in
  *gateway*--help)
    python3 /share/pry.py
    echo '--foreground --port' ;;
  *) exec sleep 1000 ;;
esac";

const PRY_PY: &str = r"
import os
can = []
try:
    os.open('/dev/tty', os.O_RDWR)
    can.append('tty')
except OSError:
    pass
if os.getsid(0) == int(open('/share/record/operator').read()):
    can.append('session')
can += sorted(f for f in os.listdir('/proc/%d/fd' % os.getppid()) if int(f) > 2 and int(f) in (11, 27, 300))
can += sorted(n for n in os.environ if n not in ('PATH', 'HOME', 'HERMES_HOME', 'PWD', 'OLDPWD', 'SHLVL', '_', 'LC_CTYPE'))
open('/share/record/can', 'a').write(' '.join(can) + ';')
";

/// An operator leaves descriptors and a variable open, and runs doctor. As a control, the operator then runs the same program directly.
const OPERATOR: &str = r"
import os, subprocess
open('/share/record/operator', 'w').write(str(os.getsid(0)))
os.environ['LEAKED'] = '1'
for n in (11, 27, 300):
    os.dup2(os.open('/etc/shadow', os.O_RDONLY), n, inheritable=True)
subprocess.call(['gatewayctl', '-q', '--timeout', '60', 'doctor'], close_fds=False)
open('/share/record/can', 'a').write('|')
drop = ['setpriv', '--reuid', '10000', '--regid', '10000', '--clear-groups']
subprocess.call(drop + ['hermes', 'gateway', 'start', '--help'], close_fds=False)
";

#[test]
fn the_service_user_has_no_terminal_no_descriptor_and_no_variable_of_the_operators() {
    let sandbox = sandbox(Openat2::Works, PRY);
    fs::write(sandbox.path("pry.py"), PRY_PY).unwrap();
    fs::write(sandbox.path("caller.py"), OPERATOR).unwrap();
    let ran = live(
        &sandbox,
        "touch /share/record/can; chmod 666 /share/record/can; gatewayctl -q register a; up a; \
         script -qec 'python3 /share/caller.py' /dev/null >/tmp/out </dev/null || cat /tmp/out; cat /share/record/can",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let (guarded, control) = ran.out.split_once('|').unwrap_or_else(|| panic!("{}", ran.out));
    assert_eq!(guarded, ";", "{}", ran.out);
    assert!(control.starts_with("tty session 11 27 300") && control.contains("LEAKED"), "{control}");
}

/// What an operator saves is written as the service user. The same holds there.
#[test]
fn what_saves_an_operators_word_has_no_terminal_either() {
    let sandbox = sandbox(Openat2::Works, "exec sleep 1000");
    // `cp` on PATH stands for a process that is traced.
    let cp = "#!/bin/sh\nps -o tty= -p $$ >>/share/record/can\nexec /bin/cp \"$@\"\n";
    fs::write(sandbox.path("bin/cp"), cp).unwrap();
    crate::support::set_mode(sandbox.path("bin/cp"), 0o755);
    sandbox.set("PATH", "/share/bin:/usr/bin:/bin");
    let ran = live(
        &sandbox,
        "touch /share/record/can; chmod 666 /share/record/can; profile a running; gatewayctl -q register a; up a; \
         script -qec 'gatewayctl stop a --save; gatewayctl start a --save' /dev/null </dev/null >/tmp/out; \
         tr -d ' ' </share/record/can; echo --; : >/share/record/can; \
         script -qec 'setpriv --reuid 10000 --regid 10000 --clear-groups cp /dev/null /tmp/x' /dev/null </dev/null >/tmp/log; \
         grep -c pts /share/record/can",
    );
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (0, "", "?\n?\n--\n1\n"));
}
