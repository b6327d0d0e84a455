//! Files in a root's templates/ that replace nothing, because they are not called as the built-in ones.

use crate::diagnostic::{Diagnostic, Place, surely_meant};
use crate::kinds::Kinds;
use crate::overlay::{Overlay, paths};

/// A warning for each file that is no built-in one, that no template of the root names, and that is called nearly as a built-in one
/// or has the name of one in another folder.
pub(crate) fn misspelt(overlay: &Overlay, kinds: &Kinds) -> Vec<Diagnostic> {
    let added = overlay.added();
    if added.is_empty() {
        return Vec::new();
    }
    let own = overlay.replaced().into_iter().chain(added.clone());
    let texts: Vec<String> = own
        .filter_map(|path| overlay.text(&path).ok().flatten())
        .collect();
    let of_kind = |path: &str| {
        let folder = path
            .strip_prefix("kinds/")
            .and_then(|rest| rest.split_once('/'));
        folder.is_some_and(|(kind, _)| kinds.get(kind).is_some())
    };
    let meant = |path: &str| {
        let same = paths().filter(|known| name(known) == name(path));
        let same: Vec<&str> = same.collect();
        match same.as_slice() {
            [one] => Some(*one),
            _ => surely_meant(path, paths()),
        }
    };
    let unread = added
        .iter()
        .filter(|path| !of_kind(path) && !texts.iter().any(|text| text.contains(path.as_str())));
    let warning = |path: &String| {
        let meant = meant(path)?;
        let place = Place::File(format!("templates/{path}"));
        let message = "it replaces no built-in file, and no template reads it".to_string();
        let help = format!("did you mean `templates/{meant}`?");
        Some(Diagnostic::warning("unread-template", place, message).help(help))
    };
    unread.filter_map(warning).collect()
}

/// The name of a file without its folder.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::misspelt;
    use crate::kinds::Kinds;
    use crate::overlay::Overlay;

    #[test]
    fn a_file_that_is_called_nearly_as_a_built_in_one_replaces_nothing() {
        let found = |files: &[(&str, &str)]| -> Vec<String> {
            let texts = files.iter();
            let texts = texts.map(|(path, text)| (path.to_string(), text.to_string()));
            let found = misspelt(&Overlay::texts(texts.collect()), &Kinds::built_in());
            found.into_iter().map(|found| found.help).collect()
        };
        let runbook = "did you mean `templates/docs/RUNBOOK.md`?";
        assert_eq!(found(&[("docs/RUNBOK.md", "")]), [runbook]);
        assert_eq!(found(&[("RUNBOOK.md", "")]), [runbook]);
        assert_eq!(
            found(&[("kinds/treshold/rule.promql", "")]),
            Vec::<String>::new()
        );
        assert_eq!(
            found(&[("kinds/treshold/condition.promql", "")]),
            ["did you mean `templates/kinds/threshold/condition.promql`?"]
        );
        let sound = [
            ("docs/RUNBOOK.md", "{% include \"docs/RUNBOOKS.md\" %}"),
            ("docs/RUNBOOKS.md", ""),
            ("docs/how-we-write-them.md", ""),
            (".docs/RUNBOK.md", ""),
        ];
        assert_eq!(found(&sound), Vec::<String>::new());
    }
}
