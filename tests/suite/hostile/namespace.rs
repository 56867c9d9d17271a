//! A user namespace, as in a rootless container. Root there is root only for its own users. Files of other users belong to nobody.

use std::fs;

use super::{ATTACKER, OPENAT2, STAYS, said, sandbox};

/// Runs its arguments in a new user namespace, in which users and groups below 65536 keep their numbers.
const ENTER: &str = r"
import ctypes, os, sys
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    if ctypes.CDLL(None).unshare(0x10000000) != 0:
        sys.exit('no user namespace')
    os.write(ready[1], b'.')
    os.read(go[0], 1)
    os.execvp(sys.argv[1], sys.argv[1:])
os.read(ready[0], 1)
for name in ('uid_map', 'gid_map'):
    open('/proc/%d/%s' % (child, name), 'w').write('0 0 65536')
os.write(go[1], b'.')
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

const INSIDE: &str = r#"
exec 2>&1
mkdir /run/service
s6-svscan -d3 /run/service 3>/share/ready >/share/scan.log 2>&1 &
until [ -s /share/ready ]; do sleep 0.01; done
cat /opt/data/gateways.toml
gatewayctl -q reconcile --control-group hermes-extra
gatewayctl list
gatewayctl -q register a --control-group hermes-extra
until gatewayctl -q status a; do sleep 0.02; done
echo victim >/root/victim
chmod 600 /root/victim
member ln -s /root/victim /run/service/gateway-a/event/ftrig1:@4000000067432f0a1b2c3d4e:xxxxxx 2>/tmp/log || echo refused
member gatewayctl -q stop a
l=/opt/data/logs/gateways/a
until [ -e $l/current ]; do sleep 0.02; done
as rm $l/current
as ln -s /root/victim $l/current
cat $l/current
fails gatewayctl logs a
as rm $l/current
gatewayctl -q --timeout 60 doctor || echo "[exit $?]"
"#;

/// The controls: `cat` reads the manifest of a user who has no number here, and follows a symlink to a file that belongs to root.
#[test]
fn in_a_user_namespace_root_believes_and_follows_no_more_than_elsewhere() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, STAYS);
        fs::write(sandbox.path("enter.py"), ENTER).unwrap();
        fs::write(sandbox.path("inside"), format!("{ATTACKER}{INSIDE}")).unwrap();
        let ran = sandbox.sh(
            "echo '[gateways.old]' >/opt/data/gateways.toml; chown 70000:70000 /opt/data/gateways.toml; python3 /share/enter.py dash -eu /share/inside",
            b"",
        );
        let problem = "cannot use /opt/data/gateways.toml: it belongs to user 65534, who could make root run anything; remove it, and \
                       register its gateways again with --save";
        said(
            &ran,
            &format!(
                "[gateways.old]\nwarning: {problem}; it is ignored\ndefault\nrefused\nvictim\n\
                 error: cannot read /opt/data/logs/gateways/a/current: it is a symlink, or it is behind one\n[exit 1]\n\
                 warning  saved        {problem}\n\
                 warning  profiles     without a profile on the volume: gateway a; make it with hermes profile create, or \
                 take the gateway out with gatewayctl reconcile --prune\n"
            ),
        );
    }
}
