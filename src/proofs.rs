//! What must hold of the rendered Files.

use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::render::Rendered;

/// Everything that the proofs have against the rendered files.
pub fn inspect(_catalog: &Catalog, _rendered: &Rendered) -> Vec<Diagnostic> {
    Vec::new()
}
