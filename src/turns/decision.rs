//! What a turn came to.

use serde::{Deserialize, Serialize};

use crate::slack::blocks::Message;
use crate::slack::render::render;
use vedette_commands::answer::{Answer, Audience};

/// What is to be shown, and to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    #[serde(flatten)]
    pub message: Message,
    /// To whom, whatever place the question came from (P22).
    #[serde(default)]
    pub audience: Audience,
}

impl Decision {
    /// For everybody where it was asked.
    pub fn for_channel(message: Message) -> Decision {
        Decision { message, audience: Audience::Channel }
    }

    /// For the person alone.
    pub fn for_person(message: Message) -> Decision {
        Decision { message, audience: Audience::Person }
    }

    /// For no more people than `audience`.
    pub fn within(self, audience: Audience) -> Decision {
        Decision { audience: self.audience.max(audience), ..self }
    }
}

impl From<&Answer> for Decision {
    fn from(answer: &Answer) -> Decision {
        Decision { message: render(answer), audience: answer.audience }
    }
}
