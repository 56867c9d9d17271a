//! Publishes a staging tree, which `gen-service --out` or `gen_service::tree::write` made, into a scandir: all service directories or none.
//!
//! ```sh
//! cargo run --example publish -- services /run/service
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the library prints nothing; a program does")]

use std::env::args;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use gen_service::Observer;
use gen_service::manager::S6Manager;
use gen_service::s6::{DEFAULT_BIN_DIR, Published, read_tree};

/// Says what the library waits for. Without an observer, a long wait is silent.
struct Told;

impl Observer for Told {
    fn waiting(&mut self, what: &str) {
        eprintln!("waiting for {what}");
    }

    fn warning(&mut self, what: &str) {
        eprintln!("warning: {what}");
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let (tree, scandir, programs) = match arguments {
        [tree, scandir] => (tree, scandir, DEFAULT_BIN_DIR),
        [tree, scandir, programs] => (tree, scandir, programs.as_str()),
        _ => return Err("usage: publish TREE SCANDIR [DIRECTORY OF THE S6 PROGRAMS]".into()),
    };

    // Reads the whole tree into memory, and refuses what root must not run: a symlink, a file that another user can write, a
    // script that is missing. So what is published is what was checked, even if the tree changes meanwhile.
    let checked = read_tree(tree.as_ref())?;

    // Root refuses a scandir that another user can change. The time limit is for another run that works there, and for the
    // supervisors to come up.
    let manager = S6Manager::new(scandir.as_ref(), programs.as_ref(), Duration::from_secs(30))?.observer(Told);

    // Each directory appears whole, by one rename. If one of them cannot be published, those before it are taken back.
    // `false`: a directory that is there already and differs is an error. With `true`, its files are replaced.
    let installed = manager.install(&checked, false)?;

    for (checked, published) in checked.iter().zip(&installed.published) {
        let what = match published {
            Published::Created => "created",
            Published::Updated => "updated",
            Published::Unchanged => "unchanged",
        };
        println!("{what} {}", checked.service().directory());
    }
    // Before a boot, nobody watches the scandir yet. Then there are no supervisors to wait for.
    if !installed.live {
        println!("they start when an s6-svscan watches {scandir}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
