//! Containers mount directories, and what they name exists.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::stack::compose::mount;
use serde_json::Value;

pub(crate) const PROOF: Proof = Proof {
    code: "mounted-files",
    doc: "A mount of one file keeps the old file when it is replaced: the reload answers 200 and the old configuration stays in force.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/volumes/*",
        bad: r#""./monitoring/working_prometheus.yml:/etc/prometheus/working_prometheus.yml:ro""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for (file, name, service) in stack.files.containers() {
            for (index, volume) in service["volumes"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
            {
                let source = mount(volume).map_or("", |(source, _)| source);
                let pointer = format!("/services/{name}/volumes/{index}");
                let Some(path) = source.strip_prefix("./") else {
                    continue;
                };
                if stack.files.at(path).is_some() {
                    found.push(place::at(
                        &file.path,
                        pointer,
                        format!("`{name}` mounts the single file {path}"),
                        "mount its folder",
                    ));
                } else if !stack
                    .files
                    .all()
                    .any(|rendered| rendered.path.starts_with(&format!("{path}/")))
                {
                    found.push(place::at(
                        &file.path,
                        pointer,
                        format!("`{name}` mounts {path}, where nothing is rendered"),
                        format!(
                            "mount a folder that exists under {}/",
                            stack.catalog.platform.output
                        ),
                    ));
                }
            }
            found.extend(dependencies(
                stack.files.containers().map(|(_, name, _)| name),
                &file.path,
                name,
                service,
            ));
        }
        found
    }),
};

fn dependencies<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    path: &str,
    name: &str,
    service: &Value,
) -> Vec<Diagnostic> {
    let wanted: Vec<String> = match &service["depends_on"] {
        Value::Array(list) => list
            .iter()
            .filter_map(|name| name.as_str().map(str::to_string))
            .collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let lost = wanted
        .into_iter()
        .filter(|wanted| !names.clone().any(|name| name == wanted));
    lost.map(|wanted| {
        place::at(
            path,
            format!("/services/{name}/depends_on"),
            format!("`{name}` waits for `{wanted}`, which does not exist"),
            "name a service of the compose files",
        )
    })
    .collect()
}
