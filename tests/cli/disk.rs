//! Whatever the disk holds, the verb says so: it never panics, never waits, and never touches what is not its own.

use crate::{CATALOG, Run, referee, rendered, run, shop, tree};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// `render` ends with 2, says why, and leaves everything as it is.
fn refused(root: &Path, said: &str) {
    let before = tree(root);
    for arguments in [&["render"][..], &["render", "--check"]] {
        let refused = run(root, arguments);
        assert_eq!(
            (refused.code, refused.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {}",
            refused.err
        );
        assert!(
            refused.err.starts_with("error: ") && refused.err.contains(said),
            "{}",
            refused.err
        );
    }
    assert_eq!(tree(root), before);
}

/// `render` fixes it, and `--check` agrees.
fn fixed(root: &Path) {
    let fixed = run(root, &["render"]);
    assert_eq!((fixed.code, fixed.err.as_str()), (Some(0), ""));
    let check = run(root, &["render", "--check"]);
    assert_eq!(check.code, Some(0), "{}", check.out);
}

#[test]
fn a_catalog_that_cannot_be_read_is_found() {
    let folder = referee::folder("cli-catalog-folder");
    fs::create_dir(folder.join("services.toml")).unwrap();
    let found = run(&folder, &["render"]);
    assert!(
        found.code == Some(1)
            && found
                .err
                .contains("error[unreadable-catalog]: cannot read services.toml"),
        "{}",
        found.err
    );
    let found = run(&folder.join("services.toml/nowhere"), &["render"]);
    assert!(
        found.code == Some(2) && found.err.contains("there is no services.toml here"),
        "{}",
        found.err
    );
}

#[test]
fn generated_must_be_a_folder() {
    let shop = shop("generated-file", CATALOG);
    fs::write(shop.join("generated"), "mine").unwrap();
    refused(&shop, "generated is in the way");
}

#[test]
fn a_generated_that_is_a_link_is_refused() {
    let (system, own) = (
        shop("generated-proc", CATALOG),
        shop("generated-link", CATALOG),
    );
    symlink("/proc/self", system.join("generated")).unwrap();
    refused(&system, "generated is a link");
    fs::create_dir(own.join("photographs")).unwrap();
    fs::write(own.join("photographs/cat.jpg"), "mine").unwrap();
    symlink("photographs", own.join("generated")).unwrap();
    refused(&own, "generated is a link");
}

#[test]
fn empty_folders_and_leftovers_in_the_place_of_a_file_go() {
    let shop = rendered("folder-for-file");
    let compose = shop.join("generated/docker-compose.yml");
    let text = fs::read(&compose).unwrap();
    fs::remove_file(&compose).unwrap();
    fs::create_dir_all(compose.join("full")).unwrap();
    fs::write(compose.join("full/of.yml"), text).unwrap();
    fs::remove_file(shop.join("generated/docs/RUNBOOK.md")).unwrap();
    fs::create_dir_all(shop.join("generated/docs/RUNBOOK.md/empty/empty")).unwrap();
    let check = run(&shop, &["render", "--check"]);
    for wanted in [
        "missing   generated/docker-compose.yml ",
        "orphaned  generated/docker-compose.yml/full/of.yml",
        "missing   generated/docs/RUNBOOK.md ",
    ] {
        assert!(check.out.contains(wanted), "{wanted}: {}", check.out);
    }
    fixed(&shop);
}

#[test]
fn links_pipes_and_odd_names_of_others_stay() {
    let shop = rendered("odd");
    let folder = shop.join("generated");
    symlink("nowhere", folder.join("dangling")).unwrap();
    symlink(".", folder.join("round")).unwrap();
    symlink("/dev/zero", folder.join("endless")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let odd = folder.join(OsStr::from_bytes(b"odd-\xff.yml"));
    fs::write(&odd, b"\xfe\n").unwrap();
    fixed(&shop);
    assert!(
        ["dangling", "round", "endless"]
            .iter()
            .all(|name| folder.join(name).is_symlink())
    );
    assert!(folder.join("pipe").exists() && odd.exists());
    assert!(
        run(&shop, &["render", "--check"])
            .out
            .contains("not ours  generated/odd-\u{fffd}.yml")
    );
}

#[test]
fn what_is_not_text_is_modified() {
    let shop = rendered("binary");
    fs::write(shop.join("generated/docker-compose.yml"), b"\xff\xfe\x00").unwrap();
    assert!(
        run(&shop, &["render", "--check"])
            .out
            .contains("modified  generated/docker-compose.yml")
    );
    fixed(&shop);
}

#[test]
fn permissions_of_a_rewritten_file_stay() {
    let shop = rendered("permissions");
    let file = shop.join("generated/docker-compose.yml");
    fs::write(&file, "old\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    fixed(&shop);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o664
    );
}

/// A limit on the size of files simulates the full disk: it holds for root too.
#[test]
fn a_full_disk_leaves_every_file_whole() {
    let shop = rendered("full");
    let old = tree(&shop.join("generated"));
    fs::write(
        shop.join("services.toml"),
        CATALOG.replace("8001", "9001").replace("\"5m\"", "\"7m\""),
    )
    .unwrap();
    let limited = format!(
        "trap '' XFSZ; ulimit -f 2; exec \"$0\" render --root '{}'",
        shop.display()
    );
    let ended: Run = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_monstack")])
        .output()
        .unwrap()
        .into();
    assert!(
        ended.code == Some(2) && ended.err.starts_with("error: cannot write "),
        "{:?} {}{}",
        ended.code,
        ended.out,
        ended.err
    );
    let left = tree(&shop.join("generated"));
    fixed(&shop);
    let new = tree(&shop.join("generated"));
    assert!(
        left.iter()
            .all(|file| old.contains(file) || new.contains(file)),
        "a file is neither old nor new, or was left behind"
    );
    assert_eq!(left.len(), old.len());
    assert!(
        new.iter().any(|file| !old.contains(file)),
        "the catalogs render alike"
    );
}
