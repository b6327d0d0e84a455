//! Volumes that Docker can make: what its own driver is told (volume/local/local_unix.go of Moby).

use crate::diagnostic::{Diagnostic, suggestion};
use crate::proofs::place;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::containers::text::scalar;

/// A part of a volume that this project makes itself: it is empty then, and Docker mounts only what is there.
fn below_nothing(stack: &Stack) -> Vec<Diagnostic> {
    let project = &stack.containers;
    let mut found = Vec::new();
    for container in project.started() {
        for (index, mount) in container.value["volumes"].items().enumerate() {
            let part = scalar(&mount["volume"]["subpath"]).unwrap_or_default();
            let name = scalar(&mount["source"]).unwrap_or_default();
            let outside = project.declared.volumes.get(&name).is_none_or(|volume| {
                scalar(&volume["external"]).as_deref() == Some("true")
                    || !volume["driver_opts"].is_null()
            });
            if part.trim_matches('/').is_empty() || outside {
                continue;
            }
            found.push(place::in_container(container, &format!("volumes/{index}"),
                format!(
                    "Docker does not start `{}`: nothing is at {part} of the volume `{name}`, which is empty at first",
                    container.name
                ),
                "mount the whole volume",
            ));
        }
    }
    found
}

/// What the driver knows, and what each needs beside it.
const OPTIONS: [(&str, &[&str]); 4] = [
    ("type", &["device"]),
    ("device", &["type"]),
    ("o", &["device", "type"]),
    ("size", &[]),
];

pub(super) fn unmade(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = below_nothing(stack);
    for file in stack.files.compose() {
        for (name, volume) in file.value["volumes"].entries() {
            let driver = scalar(&volume["driver"]);
            if driver.is_some_and(|driver| driver != "local") {
                continue;
            }
            let options = &volume["driver_opts"];
            let has = |key: &str| !options[key].is_null();
            let mut say = |key: &str, message: String, help: String| {
                found.push(place::at(
                    &file.path,
                    format!("/volumes/{}/driver_opts/{}", step(name), step(key)),
                    format!("Docker does not make the volume `{name}`: {message}"),
                    help,
                ));
            };
            for (key, _) in options.entries() {
                match OPTIONS.iter().find(|(known, _)| known == key) {
                    None => {
                        let known = OPTIONS.iter().map(|(known, _)| *known);
                        let message = format!("its driver knows no `{key}`");
                        say(key, message, suggestion(key, known));
                    }
                    Some((_, needed)) => {
                        if let Some(lacking) = needed.iter().find(|key| !has(key)) {
                            let message = format!("`{key}` needs `{lacking}` beside it");
                            say(key, message, format!("write `{lacking}`"));
                        }
                    }
                }
            }
            let text = |key: &str| scalar(&options[key]).unwrap_or_default();
            let mount = text("o");
            let addressed = mount.contains("addr=") || mount.contains('$');
            if text("type").starts_with("nfs") && has("device") && !addressed {
                let message = "nothing says whose file system it is".to_string();
                say("o", message, "write `addr=` and the server".to_string());
            }
        }
    }
    found
}
