//! `rendered["path"]` in a template: the files that were rendered before it, each converted when it is asked for.

use super::File;
use crate::value::Value;
use minijinja::value::{Enumerator, Object, Serde, Value as TemplateValue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was rendered before a template, by path under the output folder.
#[derive(Debug)]
pub(super) struct Before {
    files: BTreeMap<String, Arc<Value>>,
    failed: BTreeSet<String>,
    missed: AtomicBool,
}

impl Before {
    /// These files, and the paths of those that could not be rendered.
    pub(super) fn of<'a>(files: &[File], failed: impl IntoIterator<Item = &'a String>) -> Before {
        Before {
            files: files
                .iter()
                .map(|file| (file.path.clone(), file.value.clone()))
                .collect(),
            failed: failed.into_iter().cloned().collect(),
            missed: AtomicBool::new(false),
        }
    }

    /// Whether a file that could not be rendered was asked for since this was last called.
    pub(super) fn missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed)
    }
}

impl Object for Before {
    fn get_value(self: &Arc<Self>, path: &TemplateValue) -> Option<TemplateValue> {
        let path = path.as_str()?;
        if self.failed.contains(path) {
            self.missed.store(true, Ordering::Relaxed);
        }
        self.files
            .get(path)
            .map(|value| TemplateValue::from(Serde(value.as_ref())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if !self.failed.is_empty() {
            self.missed.store(true, Ordering::Relaxed);
        }
        let paths = self
            .files
            .keys()
            .map(|path| TemplateValue::from(path.as_str()));
        Enumerator::Values(paths.collect())
    }
}
