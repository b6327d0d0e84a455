//! The text of a catalog with something else in it: what is not meant stays, byte for byte.

pub(crate) mod entry;
pub(crate) mod expressions;
pub(crate) mod names;
pub(crate) mod tree;
pub(crate) mod values;
