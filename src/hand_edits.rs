//! What was changed in generated files by hand, and what says it: a key of the catalog, or a line of a template. A key is known by
//! what happens when it is changed: it says an edit when the file is then rendered as it was edited. Nothing knows which template
//! reads which key.

mod comparison;
mod difference;
mod keys;
mod literal;
mod search;
mod shape;
mod silent;
mod spelling;
mod trial;

pub(crate) use comparison::{Edited, reordered};
pub(crate) use difference::merged;
pub(crate) use search::{Chosen, Found, Says, Told, search};
pub(crate) use shape::Shape;
pub(crate) use trial::{Change, KeyChange, Stand, TemplateChange};
