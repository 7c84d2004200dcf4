//! Who asked for a message of ours, as the message itself says it.
//!
//! A press brings the `block_id` of its block back, in a payload that Slack signed, and nobody but this app writes the blocks of
//! its messages. So what a message's asker presses may take the message's place, without anything being kept about it, and
//! what somebody else presses may not.

use serde::{Deserialize, Serialize};

use super::blocks::Message;
use crate::crypto::sha256;
use crate::turns::request::PersonId;

/// What the `block_id` of an owned block begins with.
const PREFIX: &str = "asked";
/// Half of a SHA-256, in hex.
const MARK_LENGTH: usize = 32;

/// Whose a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// A hash of the person.
    mark: String,
    /// Whether the message says who asked: the question is not to be seen beside it.
    pub signed: bool,
}

impl Owner {
    /// The one who asks.
    pub fn new(person: &PersonId, signed: bool) -> Owner {
        Owner { mark: mark(person), signed }
    }

    /// The owner that a block's id names.
    pub fn of_block(block_id: &str) -> Option<Owner> {
        let mut parts = block_id.split(':');
        let (prefix, mark, signed) = (parts.next()?, parts.next()?, parts.next()?);
        let is_mark = mark.len() == MARK_LENGTH && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
        (prefix == PREFIX && is_mark).then(|| Owner { mark: mark.to_owned(), signed: signed == "signed" })
    }

    /// Whether it is `person`.
    pub fn is(&self, person: &PersonId) -> bool {
        self.mark == mark(person)
    }

    /// `message` with its owner in the id of its controls. `version` is another one for each content: for controls with the
    /// same ids Slack keeps what was chosen.
    pub fn sign(&self, message: Message, version: &str) -> Message {
        let signed = if self.signed { "signed" } else { "seen" };
        let id = format!("{PREFIX}:{}:{signed}:{version}", self.mark);
        let mut message = message;
        let controls =
            message.blocks.iter_mut().filter(|block| block.get("type").is_some_and(|kind| kind == "actions"));
        // Ids are unique in a message, and a message has one row of controls.
        if let Some(fields) = controls.into_iter().next().and_then(|block| block.as_object_mut()) {
            fields.insert("block_id".to_owned(), id.into());
        }
        message
    }
}

fn mark(person: &PersonId) -> String {
    hex::encode(sha256(format!("asker\n{}", person.object_name()).as_bytes())).chars().take(MARK_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(user: &str) -> PersonId {
        PersonId { team: "T0GLOBEX1".to_owned(), user: user.to_owned() }
    }

    #[test]
    fn a_message_tells_its_owner_and_nobody_else_p13() {
        let blocks = vec![json!({"type": "header"}), json!({"type": "actions", "elements": []})];
        let message = Message { text: "Issues".to_owned(), blocks };
        for signed in [true, false] {
            let message = Owner::new(&person("U0ADA0001"), signed).sign(message.clone(), "0123");
            let id = message.blocks[1]["block_id"].as_str().unwrap();
            assert!(id.len() <= 255 && !id.contains("U0ADA"), "{id}");
            let owner = Owner::of_block(id).unwrap();
            assert!(owner.is(&person("U0ADA0001")) && !owner.is(&person("U0GRACE1")));
            assert_eq!(owner.signed, signed);
        }
    }

    #[test]
    fn other_ids_name_nobody() {
        for id in ["", "x", "asked", "asked:abc:seen:1", "asked:zz345678901234567890123456789012:seen:1", "b1:2:3:4"] {
            assert_eq!(Owner::of_block(id), None, "{id}");
        }
    }
}
