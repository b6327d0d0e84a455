//! A render that is killed at any moment leaves every file whole, old or new.

use crate::{CATALOG, monstack, rendered, run, tree};
use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::time::Instant;

#[test]
fn a_killed_render_leaves_every_file_whole() {
    let shop = rendered("killed");
    let folder = shop.join("generated");
    let other = CATALOG
        .replace("8001", "9001")
        .replace("\"Shop\"", "\"Other shop\"");
    let write = |catalog: &str| fs::write(shop.join("services.toml"), catalog).unwrap();
    let wholes = |catalog: &str| {
        write(catalog);
        let started = Instant::now();
        assert_eq!(run(&shop, &["render"]).code, Some(0));
        (tree(&folder), started.elapsed())
    };
    let ((new, taken), (old, _)) = (wholes(&other), wholes(CATALOG));
    let known: BTreeSet<_> = old.iter().chain(&new).collect();
    let names: BTreeSet<_> = old.iter().map(|(path, _)| path).collect();
    assert!(known.len() > names.len() + 4, "the catalogs render alike");
    for round in 0..20 {
        write(if round % 2 == 0 { &other } else { CATALOG });
        let mut child = monstack(&["render", "--root"])
            .arg(&shop)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // The second half of a run is where files are written.
        std::thread::sleep(taken.mul_f64(0.5) + taken.mul_f64(f64::from(round) * 0.03));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = tree(&folder);
        let files: Vec<_> = left
            .iter()
            .filter(|(path, _)| path.extension().is_none_or(|ending| ending != "part"))
            .collect();
        assert!(
            files.iter().all(|file| known.contains(file)),
            "round {round}: a file is neither old nor new"
        );
        assert!(
            names
                .iter()
                .all(|name| files.iter().any(|(path, _)| path == *name)),
            "round {round}: a file is gone"
        );
    }
    // What a kill in the middle of a file leaves, in case no round hit that moment.
    fs::write(folder.join(".docker-compose.yml.1.part"), "na").unwrap();
    assert_eq!(wholes(CATALOG).0, old);
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}
