//! Names of objects of a design. A run repeats them in result after result, so that each is kept once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The name of a pin, an instance, a cell or a scene. A copy costs nothing, and one that is read shares the memory of
/// its like.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<str>);

/// How many names are looked for at most; behind that, looking begins anew.
const KNOWN: usize = 1 << 14;

thread_local! {
    static POOL: RefCell<HashSet<Arc<str>>> = RefCell::new(HashSet::new());
}

/// The name in the memory of its like, where this thread has seen one.
fn shared(text: &str) -> ObjectName {
    POOL.with_borrow_mut(|pool| {
        if let Some(known) = pool.get(text) {
            return ObjectName(Arc::clone(known));
        }
        if pool.len() >= KNOWN {
            pool.clear();
        }
        let name: Arc<str> = text.into();
        pool.insert(Arc::clone(&name));
        ObjectName(name)
    })
}

impl From<&str> for ObjectName {
    fn from(text: &str) -> Self {
        shared(text)
    }
}

impl From<String> for ObjectName {
    fn from(text: String) -> Self {
        shared(&text)
    }
}

impl Deref for ObjectName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ObjectName {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = ObjectName;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ObjectName, E> {
                Ok(shared(text))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written_and_kept_once() {
        let text = r#"["u1/Z","µ \"quoted\"","u1/Z",""]"#;
        let names: Vec<ObjectName> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&names).unwrap(), text);
        assert!(Arc::ptr_eq(&names[0].0, &names[2].0));
        assert_eq!(format!("{:>6}|{:?}", names[0], names[0]), "  u1/Z|\"u1/Z\"");
        assert!(serde_json::from_str::<ObjectName>("3").is_err());
    }

    #[test]
    fn the_memory_of_names_does_not_grow_without_end() {
        let first = ObjectName::from("first");
        for number in 0..2 * KNOWN {
            let _ = ObjectName::from(number.to_string());
        }
        assert!(POOL.with_borrow(HashSet::len) <= KNOWN);
        assert_eq!(ObjectName::from("first"), first);
    }
}
