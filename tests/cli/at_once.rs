//! Several runs in one root at the same moment: a hook, an editor and a person.

use crate::{CATALOG, monstack, run, shop};
use std::fs;
use std::process::Stdio;

#[test]
fn runs_at_the_same_moment_lose_nothing() {
    let shop = shop("at-once", CATALOG);
    let root = shop.to_str().unwrap();
    let ports: Vec<String> = (9001..9007).map(|port| port.to_string()).collect();
    let names: Vec<String> = ports.iter().map(|port| format!("service-{port}")).collect();
    let mut runs = Vec::new();
    for (name, port) in names.iter().zip(&ports) {
        for arguments in [
            &["add", name, "--group", "web", "--port", port][..],
            &["render"],
        ] {
            let arguments = [&["--root", root][..], arguments].concat();
            runs.push(
                monstack(&arguments)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap(),
            );
        }
    }
    for child in runs {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = fs::read_to_string(shop.join("services.toml")).unwrap();
    assert!(
        names
            .iter()
            .all(|name| text.contains(&format!("[services.{name}]"))),
        "{text}"
    );
    let checked = run(&shop, &["render", "--check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
}
