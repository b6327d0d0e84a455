//! The rules of the rendered files, ready to be evaluated.

use super::files::Files;
use crate::contract::Contract;
use crate::evaluation::rules::Rule;

/// A rule with its place.
pub(crate) struct LoadedRule<'a> {
    pub(crate) rule: Rule,
    /// The file, under the output folder.
    pub(crate) path: &'a str,
    /// Where in the file.
    pub(crate) pointer: String,
    /// The name of its group.
    pub(crate) group: &'a str,
}

/// Those that can be read: of the others a proof speaks.
pub(super) fn read<'a>(files: Files<'a>, contract: &Contract) -> Vec<LoadedRule<'a>> {
    let rules = files.rules();
    let read = rules.filter_map(|(file, pointer, value)| {
        let rule = Rule::read(value, &mut |text| contract.parse(text)).ok()?;
        let group = pointer.rsplit_once("/rules/")?.0;
        let group = file.value.pointer(group)?["name"]
            .as_str()
            .unwrap_or_default();
        Some(LoadedRule {
            rule,
            path: &file.path,
            group,
            pointer,
        })
    });
    read.collect()
}
