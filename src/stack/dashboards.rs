//! What dashboards hold.

use serde_json::Value;

/// The panels of a dashboard with their pointers, those inside collapsed rows too.
pub(crate) fn panels(dashboard: &Value) -> Vec<(String, &Value)> {
    fn inside<'a>(pointer: &str, list: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        for (index, panel) in list.as_array().into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/panels/{index}");
            found.push((pointer.clone(), panel));
            inside(&pointer, &panel["panels"], found);
        }
    }
    let mut found = Vec::new();
    inside("", &dashboard["panels"], &mut found);
    found
}
