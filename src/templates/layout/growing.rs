//! A list that grows while a template is rendered.

use crate::templates::refuse;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use std::sync::{Arc, Mutex};

/// `push(item)` adds one; `list + [item]` would copy the list for every item, and cost the square of its length.
#[derive(Debug, Default)]
pub(crate) struct Growing(Mutex<Vec<Value>>);

impl Object for Growing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, index: &Value) -> Option<Value> {
        self.0.lock().ok()?.get(index.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.lock().map_or(0, |items| items.len()))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method != "push" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let (item,) = from_args::<(Value,)>(args)?;
        self.0
            .lock()
            .map_err(|_| refuse("the list is broken"))?
            .push(item);
        Ok(Value::from(""))
    }
}
