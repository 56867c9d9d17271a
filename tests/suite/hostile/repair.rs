//! `gatewayctl repair`: root gives the service user only what this user could have had anyway.

use super::{OPENAT2, live, said, sandbox};

const OWNERS: &str = "owners() { (cd /opt/data; stat -c '%U %n' \"$@\"); }; ";

#[test]
fn root_gives_what_its_own_commands_left_and_nothing_else() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, "exec sleep 1000");
        let ran = live(
            &sandbox,
            &(OWNERS.to_owned()
                + "umask 022; cd /opt/data; profile a; as mkdir cron sessions; \
                   echo {} >auth.json; echo 1 >cron/jobs.json; mkdir -p profiles/made/sub; echo soul >profiles/made/SOUL.md; echo x >profiles/made/sub/file; \
                   echo mine >notes.txt; echo '# mine' >gateways.toml; \
                   gatewayctl repair --dry-run | wc -l; owners auth.json; \
                   gatewayctl repair; owners auth.json cron/jobs.json profiles/made profiles/made/SOUL.md profiles/made/sub/file notes.txt gateways.toml; \
                   gatewayctl repair"),
        );
        let expected = "6\nroot auth.json\n\
             gave /opt/data/auth.json\ngave /opt/data/cron/jobs.json\ngave /opt/data/profiles/made\n\
             gave /opt/data/profiles/made/SOUL.md\ngave /opt/data/profiles/made/sub\ngave /opt/data/profiles/made/sub/file\n\
             hermes auth.json\nhermes cron/jobs.json\nhermes profiles/made\nhermes profiles/made/SOUL.md\nhermes profiles/made/sub/file\n\
             root notes.txt\nroot gateways.toml\n";
        said(&ran, expected);
    }
}

/// Each of these is a file of root on the volume, which the service user has moved, linked or planted where a repair looks.
#[test]
fn what_the_service_user_moves_to_where_root_repairs_stays_roots() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, "exec sleep 1000");
        let ran = live(
            &sandbox,
            &(OWNERS.to_owned()
                + "exec 2>&1; umask 022; cd /opt/data; profile a; p=profiles/a; \
                   (umask 077; echo secret >backup; mkdir $p/only-roots; echo secret >$p/only-roots/file); as mv backup auth.json; \
                   echo 'control: given, since it can be read' >$p/readable; \
                   ln -s /etc/shadow $p/shadow; as ln -s /etc/shadow $p/own; ln -s /etc config.yaml; \
                   mkdir /opt/elsewhere; echo x >/opt/elsewhere/file; ln /opt/elsewhere/file $p/linked; \
                   mkdir $p/mounted; mount -t tmpfs none $p/mounted; echo x >$p/mounted/file; mkfifo $p/fifo; \
                   mkdir $p/roots; chmod 711 $p/roots; echo x >$p/roots/file; \
                   within 20 gatewayctl repair; \
                   owners auth.json $p/only-roots $p/only-roots/file $p/readable $p/shadow config.yaml $p/linked $p/mounted $p/mounted/file $p/fifo $p/roots $p/roots/file; \
                   stat -c '%U %n' /etc/shadow /etc /opt/elsewhere/file; umount $p/mounted"),
        );
        let expected = "gave /opt/data/profiles/a/readable\n\
             warning: /opt/data/auth.json: refusing to give it, because it belongs to root and nobody else may read it; if Hermes needs it, chown it as root\n\
             warning: /opt/data/config.yaml: refusing to give it, because it is a symlink of root; remove it\n\
             warning: /opt/data/profiles/a/linked: refusing to give it, because it has another name elsewhere; replace it by a copy\n\
             warning: /opt/data/profiles/a/only-roots: refusing to give it, because it belongs to root and nobody else may read it; if Hermes needs it, chown it as root\n\
             warning: /opt/data/profiles/a/roots: refusing to give it, because it belongs to root and nobody else may read it; if Hermes needs it, chown it as root\n\
             warning: /opt/data/profiles/a/shadow: refusing to give it, because it is a symlink of root; remove it\n\
             root auth.json\nroot profiles/a/only-roots\nroot profiles/a/only-roots/file\nhermes profiles/a/readable\nroot profiles/a/shadow\nroot config.yaml\n\
             root profiles/a/linked\nroot profiles/a/mounted\nroot profiles/a/mounted/file\nroot profiles/a/fifo\nroot profiles/a/roots\nroot profiles/a/roots/file\n\
             root /etc/shadow\nroot /etc\nroot /opt/elsewhere/file\n";
        said(&ran, expected);
    }
}

/// While root repairs, the service user replaces the files that root looks at. The control: chown -R by path follows the symlinks.
#[test]
fn what_is_swapped_while_root_repairs_is_not_given() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, "exec sleep 1000");
        let ran = live(
            &sandbox,
            "umask 022; profile a; cd /opt/data/profiles/a; mkdir /root/target; echo x >/root/target/SOUL.md; chmod 755 /root; \
             as sh -c 'mkdir real; ln -s /root/target link; while :; do mv -T real swap; mv -T link real; mv -T real link; mv -T swap real; done 2>/dev/null' & \
             for n in $(seq 200); do echo x >real/SOUL.md || :; echo x >real/n$n || :; within 20 gatewayctl -q repair >/dev/null 2>&1; done 2>/dev/null; \
             kill $!; stat -c '%U' /root/target /root/target/*| sort -u",
        );
        said(&ran, "root\n");
    }
}

/// Root gives away everything that a former number of the service user owned, and nothing of others. Root gives nothing without a message.
#[test]
fn a_volume_of_another_number_is_taken_over_only_if_an_operator_says_so() {
    for openat2 in OPENAT2 {
        let sandbox = sandbox(openat2, "exec sleep 1000");
        let ran = live(
            &sandbox,
            "exec 2>&1; cd /opt/data; profile a; mkdir -p sessions/1/2/3/4/5/6; (umask 077; echo x >sessions/1/2/3/4/5/6/deep; echo x >auth.json); \
             chown -hR 4000:4000 .; echo x >sessions/other; chown 4001 sessions/other; chmod 600 sessions/other; mkdir photos; chown 4000 photos; \
             gatewayctl repair; stat -c %u . auth.json; gatewayctl -q repair --from-owner; \
             stat -c '%u:%g %n' . auth.json sessions/1/2/3/4/5/6/deep profiles/a/SOUL.md sessions/other photos; gatewayctl repair",
        );
        let expected = "warning: /opt/data: it belongs to user 4000, and the gateways run as 10000; docker run -e HERMES_UID=4000 -e HERMES_GID=4000, \
             or give it to that user on the machine that it comes from\n4000\n4000\n\
             10000:10000 .\n10000:10000 auth.json\n10000:10000 sessions/1/2/3/4/5/6/deep\n10000:10000 profiles/a/SOUL.md\n4001:0 sessions/other\n4000:0 photos\n";
        said(&ran, expected);
    }
}

/// If the volume has more files than one run looks at, it keeps its number until a run has seen all files. Files that were given do not count, nor do
/// those that a killed run gave.
#[test]
fn a_volume_with_too_much_is_taken_over_when_all_was_seen() {
    let sandbox = sandbox(OPENAT2[0], "exec sleep 1000");
    let ran = live(
        &sandbox,
        "exec 2>&1; cd /opt/data; mkdir sessions skills; chown -R 4000 .; chmod 777 sessions; echo x >skills/one; chown 4000 skills/one; \
         setpriv --reuid 4001 --clear-groups python3 -c 'import os\nfor n in range(200005): os.mknod(\"sessions/%d\" % n)'; \
         gatewayctl -q repair --from-owner; stat -c '%u %n' . skills/one; \
         chown -R 4000 sessions; find sessions -name '*[02468]' -exec chown 10000 {} +; gatewayctl -q repair --from-owner; find . ! -uid 10000; find . | wc -l",
    );
    said(
        &ran,
        "warning: /opt/data: has more than 200000 entries; those after them are not looked at\n4000 .\n10000 skills/one\n200009\n",
    );
}
