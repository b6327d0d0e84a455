//! What a container sees of the machine's files: volumes, binds, tmpfs, configs and secrets.

use super::Declared;
use super::text::{filled, normal, scalar};
use crate::value::Value;

/// Where what is mounted comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A path under the folder of everything rendered; empty: that folder.
    Rendered(String),
    /// A path of the machine of which nothing here is known.
    Outside(String),
    /// A volume with a name: it outlives the container.
    Volume(String),
    /// A volume without one: the next container gets another.
    Anonymous,
    /// Memory.
    Memory,
    /// Text in the compose file, or from a variable.
    Text,
}

/// One mount.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) source: Source,
    /// Where it is seen.
    pub(crate) target: String,
    pub(crate) read_only: bool,
    /// The place in the container's table: `volumes/0`.
    pub(crate) pointer: String,
}

/// What stands at a path of a container.
#[derive(Debug)]
pub(crate) enum Sight<'m> {
    /// A mount, and the path in what is mounted.
    Mounted(&'m Mount, String),
    /// The image's own file, if any.
    Image,
}

impl Sight<'_> {
    /// The path under the output folder that is seen; None: nothing of it.
    pub(crate) fn rendered(&self) -> Option<String> {
        match self {
            Sight::Mounted(
                Mount {
                    source: Source::Rendered(folder),
                    ..
                },
                rest,
            ) => Some(
                normal(&format!("{folder}/{rest}"))
                    .trim_start_matches('/')
                    .to_string(),
            ),
            _ => None,
        }
    }

    pub(crate) fn is_rendered(&self, path: &str) -> bool {
        self.rendered().is_some_and(|seen| seen == path)
    }
}

/// What a path leads to: the deepest mount covers those above it, and of two at one place the later one.
pub(crate) fn sees<'m>(mounts: &'m [Mount], path: &str) -> Sight<'m> {
    let inside = |mount: &&Mount| below(&mount.target, path).is_some();
    match mounts
        .iter()
        .filter(inside)
        .max_by_key(|mount| mount.target.trim_end_matches('/').len())
    {
        Some(mount) => Sight::Mounted(
            mount,
            below(&mount.target, path).unwrap_or_default().to_string(),
        ),
        None => Sight::Image,
    }
}

/// The paths at which a rendered file is seen.
pub(crate) fn places<'m>(
    mounts: &'m [Mount],
    rendered: &'m str,
) -> impl Iterator<Item = String> + 'm {
    mounts.iter().filter_map(move |mount| {
        let Source::Rendered(folder) = &mount.source else {
            return None;
        };
        let place = normal(&format!("{}/{}", mount.target, below(folder, rendered)?));
        sees(mounts, &place).is_rendered(rendered).then_some(place)
    })
}

/// The rest of a path below a folder; an empty folder is above all relative paths.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let folder = folder.trim_end_matches('/');
    if folder.is_empty() {
        return Some(path.trim_start_matches('/'));
    }
    let rest = path.strip_prefix(folder)?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(rest),
        None => rest.is_empty().then_some(rest),
    }
}

/// A path of the machine, as written in a compose file in a folder under the output. A whole path is taken for one in the
/// output folder when it names that folder.
pub(super) fn host(written: &str, folder: &str, output: &str) -> Source {
    let local = ["${PWD}", "$PWD"]
        .iter()
        .find_map(|here| written.strip_prefix(here));
    if let Some(rest) = local {
        return Source::Rendered(normal(rest.trim_start_matches('/')));
    }
    if written.starts_with(['/', '~', '$']) {
        let whole = format!("{}/", normal(written));
        return match whole.rsplit_once(&format!("/{output}/")) {
            Some((_, rest)) => Source::Rendered(rest.trim_end_matches('/').to_string()),
            None => Source::Outside(written.to_string()),
        };
    }
    let whole = normal(&format!("{output}/{folder}/{written}"));
    match below(&normal(output), &whole) {
        Some(rest) => Source::Rendered(rest.to_string()),
        None => Source::Outside(whole),
    }
}

/// Everything mounted into a container of a file in a folder.
pub(super) fn read(
    container: &Value,
    folder: &str,
    output: &str,
    declared: &Declared,
) -> Vec<Mount> {
    let mut found = Vec::new();
    let mut add = |source, target: &str, read_only, pointer: String| {
        found.push(Mount {
            source,
            target: normal(target),
            read_only,
            pointer,
        });
    };
    for (index, volume) in container["volumes"].items().enumerate() {
        let pointer = format!("volumes/{index}");
        if let Some(text) = volume.as_str() {
            let text = filled(text);
            let (source, target, options) = short(&text);
            let read_only = options.split(',').any(|option| option == "ro");
            let (source, written) = match source {
                None => (Source::Anonymous, true),
                Some(source) if source.starts_with(['.', '/', '~', '$']) => {
                    (host(source, folder, output), true)
                }
                Some(name) => named(name, folder, output, declared),
            };
            add(source, target, read_only || !written, pointer);
            continue;
        }
        let said = |key: &str| scalar(&volume[key]);
        let (source, written) = match (said("type").as_deref(), said("source")) {
            (Some("tmpfs"), _) => (Source::Memory, true),
            (Some("volume"), Some(name)) => named(&name, folder, output, declared),
            (_, Some(source)) => (host(&source, folder, output), true),
            (_, None) => (Source::Anonymous, true),
        };
        add(
            source,
            &said("target").unwrap_or_default(),
            volume["read_only"] == true || !written,
            pointer,
        );
    }
    let tmpfs = container["tmpfs"]
        .texts()
        .chain(container["tmpfs"].as_str());
    for (index, target) in tmpfs.enumerate() {
        let target = target.split(':').next().unwrap_or_default();
        add(Source::Memory, target, false, format!("tmpfs/{index}"));
    }
    for (key, known, base) in [
        ("configs", &declared.configs, "/"),
        ("secrets", &declared.secrets, "/run/secrets/"),
    ] {
        for (index, entry) in container[key].items().enumerate() {
            let name = entry
                .as_str()
                .or(entry["source"].as_str())
                .unwrap_or_default();
            let target = entry["target"].as_str().unwrap_or(name);
            let target = if target.starts_with('/') {
                target.to_string()
            } else {
                format!("{base}{target}")
            };
            if let Some((definition, folder)) = known.get(name) {
                let source = match scalar(&definition["file"]) {
                    Some(file) => host(&file, folder, output),
                    None if definition["external"] == true => Source::Outside(name.to_string()),
                    None => Source::Text,
                };
                add(source, &target, true, format!("{key}/{index}"));
            }
        }
    }
    found
}

/// A volume by its name: one that is bound to a folder of the machine, or to memory, is that; and whether it may be written to.
fn named(name: &str, folder: &str, output: &str, declared: &Declared) -> (Source, bool) {
    let options = declared
        .volumes
        .get(name)
        .map(|definition| &definition["driver_opts"]);
    let said = |key: &str| {
        options
            .and_then(|options| scalar(&options[key]))
            .unwrap_or_default()
    };
    let (mount, device) = (said("o"), said("device"));
    let has = |option: &str| mount.split(',').any(|own| own.trim() == option);
    let source = match said("type").as_str() {
        "tmpfs" => Source::Memory,
        _ if (has("bind") || has("rbind")) && !device.is_empty() => host(&device, folder, output),
        _ => Source::Volume(name.to_string()),
    };
    (source, !has("ro"))
}

/// Source, target and options of a volume in the short form. A source may hold a variable that nobody here knows.
fn short(text: &str) -> (Option<&str>, &str, &str) {
    let mut depth = 0;
    let colon = text.char_indices().find(|(_, letter)| {
        depth += i32::from(*letter == '{') - i32::from(*letter == '}');
        *letter == ':' && depth == 0
    });
    let Some((at, _)) = colon else {
        return (None, text, "");
    };
    let (target, options) = text[at + 1..]
        .split_once(':')
        .unwrap_or((&text[at + 1..], ""));
    (Some(&text[..at]), target, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_path_leads_to_the_deepest_mount() {
        let container = json!({
            "volumes": [
                "./monitoring:/etc/prometheus:ro,Z",
                {"type": "bind", "source": "../secrets", "target": "/etc/prometheus/secrets"},
                "data:/prometheus",
                "/srv/shop/generated/monitoring/grafana:/g",
                "/cache",
            ],
            "tmpfs": "/tmp:size=1m",
        });
        let mounts = read(&container, "", "generated", &Declared::default());
        let seen = |path: &str| match sees(&mounts, path) {
            Sight::Mounted(mount, rest) => format!("{:?} {rest}", mount.source),
            Sight::Image => "image".to_string(),
        };
        assert_eq!(
            seen("/etc/prometheus/a.yml"),
            "Rendered(\"monitoring\") a.yml"
        );
        assert_eq!(seen("/etc/prometheus/secrets/x"), "Outside(\"secrets\") x");
        assert_eq!(seen("/prometheus"), "Volume(\"data\") ");
        assert_eq!(seen("/g/x.json"), "Rendered(\"monitoring/grafana\") x.json");
        assert_eq!(seen("/cache/x"), "Anonymous x");
        assert_eq!(seen("/tmp/x"), "Memory x");
        assert_eq!(seen("/etc/prometheus2"), "image");
        let places: Vec<String> = places(&mounts, "monitoring/grafana/x.json").collect();
        assert_eq!(places, ["/etc/prometheus/grafana/x.json", "/g/x.json"]);
    }
}
