//! Building JSON objects piece by piece.

use serde_json::Value;

pub(crate) trait Put {
    /// Sets a member of an object; of anything else, nothing.
    fn put(&mut self, name: &str, value: impl Into<Value>);

    /// Sets all the members of `other`.
    fn put_all(&mut self, other: Value);
}

impl Put for Value {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        if let Value::Object(object) = self {
            object.insert(name.to_owned(), value.into());
        }
    }

    fn put_all(&mut self, other: Value) {
        if let (Value::Object(object), Value::Object(other)) = (self, other) {
            object.extend(other);
        }
    }
}
