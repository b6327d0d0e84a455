//! Volumes of compose.

use serde_json::Value;

/// Source and target of a volume, in compose's short or long form. A source may hold a variable with a default, and behind the
/// target stand options: `ro`, `z`, `ro,Z`.
pub(crate) fn mount(volume: &Value) -> Option<(&str, &str)> {
    let Some(text) = volume.as_str() else {
        return volume["source"].as_str().zip(volume["target"].as_str());
    };
    let mut depth = 0;
    let end = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        *c == ':' && depth == 0
    });
    let (source, rest) = text.split_at(end?.0);
    Some((source, rest[1..].split(':').next().unwrap_or_default()))
}

/// The path under the output folder of what a container sees at `path`, as far as one of its volumes leads there.
pub(crate) fn mounted(container: &Value, path: &str) -> Option<String> {
    let mut folders = container["volumes"].as_array()?.iter().filter_map(mount);
    folders.find_map(|(source, target)| {
        Some(format!(
            "{}{}",
            source.trim_start_matches("./"),
            path.strip_prefix(target)?
        ))
    })
}
