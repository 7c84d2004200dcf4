//! Who and what there is in the workspace.

use serde_json::{Value, json};

use super::Slack;
use crate::json::Put;

/// The workspace where the app is installed.
pub const TEAM: &str = "T0GLOBEX";
/// The other workspace, with which `#shared-partner` is shared.
pub const PARTNER_TEAM: &str = "T0PARTNER";
/// The workspace's name.
pub const TEAM_NAME: &str = "Globex";
/// The workspace's domain: `https://globex.slack.com`.
pub const TEAM_DOMAIN: &str = "globex";
/// The app's bot user.
pub const BOT_USER: &str = "U0VEDETTE";
/// The app's bot (not its user).
pub const BOT_ID: &str = "B0VEDETTE";
/// The bot user's name.
pub const BOT_NAME: &str = "vedette";
/// The app.
pub const APP_ID: &str = "A0VEDETTE";
/// Slack's own voice.
pub const SLACKBOT: &str = "USLACKBOT";

/// A person.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) team: &'static str,
    pub(crate) name: &'static str,
    pub(crate) real_name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) color: &'static str,
    /// The direct message with the app, if there can be one.
    pub(crate) im: Option<&'static str>,
}

pub(crate) static PEOPLE: [Person; 3] = [
    Person {
        id: "U0ADA",
        team: TEAM,
        name: "ada",
        real_name: "Ada Lovelace",
        email: "ada@example.com",
        color: "#7c3aed",
        im: Some("D0ADA"),
    },
    Person {
        id: "U0GRACE",
        team: TEAM,
        name: "grace",
        real_name: "Grace Hopper",
        email: "grace@example.com",
        color: "#0f766e",
        im: Some("D0GRACE"),
    },
    Person {
        id: "U0EXT",
        team: PARTNER_TEAM,
        name: "edsger",
        real_name: "Edsger Dijkstra",
        email: "edsger@partner.example",
        color: "#b45309",
        im: None,
    },
];

/// A public channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_shared: bool,
    pub(crate) first_members: &'static [&'static str],
}

pub(crate) static CHANNELS: [Channel; 3] = [
    Channel { id: "C0INCIDENTS", name: "incidents", is_shared: false, first_members: &["U0ADA", "U0GRACE", BOT_USER] },
    Channel { id: "C0GENERAL", name: "general", is_shared: false, first_members: &["U0ADA", "U0GRACE"] },
    Channel {
        id: "C0SHARED",
        name: "shared-partner",
        is_shared: true,
        first_members: &["U0ADA", "U0GRACE", "U0EXT", BOT_USER],
    },
];

pub(crate) fn person(id: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.id == id)
}

pub(crate) fn channel(id: &str) -> Option<&'static Channel> {
    CHANNELS.iter().find(|channel| channel.id == id)
}

/// Whose direct message with the app this is.
pub(crate) fn owner_of_im(channel: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.im == Some(channel))
}

/// Slack's name for the kind of a conversation, and its name in payloads.
pub(crate) fn channel_name(id: &str) -> &str {
    channel(id).map_or(if id.starts_with('D') { "directmessage" } else { "unknown" }, |channel| channel.name)
}

impl Slack {
    /// Whether there is such a conversation.
    pub(crate) fn has_conversation(&self, id: &str) -> bool {
        channel(id).is_some() || owner_of_im(id).is_some()
    }

    /// Whether a user (a person or the bot) is in a conversation.
    pub(crate) fn is_member(&self, conversation: &str, user: &str) -> bool {
        match owner_of_im(conversation) {
            Some(owner) => user == owner.id || user == BOT_USER,
            None => self.members.get(conversation).is_some_and(|members| members.contains(user)),
        }
    }

    /// Lets a user into a channel; false when there is no such channel or user.
    pub(crate) fn invite(&mut self, channel: &str, user: &str) -> bool {
        let known = user == BOT_USER || person(user).is_some();
        match self.members.get_mut(channel).filter(|_| known) {
            Some(members) => {
                members.insert(user.to_owned());
                true
            }
            None => false,
        }
    }

    /// Puts a user out of a channel; false when the user was not in it.
    pub(crate) fn kick(&mut self, channel: &str, user: &str) -> bool {
        self.members.get_mut(channel).is_some_and(|members| members.remove(user))
    }

    /// Whether `person` can see a conversation: a public channel (a guest only those it is in), or its own messages.
    pub(crate) fn sees(&self, person: &Person, conversation: &str) -> bool {
        match owner_of_im(conversation) {
            Some(owner) => owner == person,
            None => person.team == TEAM || self.is_member(conversation, person.id),
        }
    }

    /// The conversations, as the page shows them.
    pub(crate) fn conversations(&self, viewer: Option<&Person>) -> Value {
        let channels = CHANNELS.iter().map(|channel| {
            json!({
                "id": channel.id, "kind": "channel", "name": channel.name, "shared": channel.is_shared,
                "members": self.members.get(channel.id), "bot_member": self.is_member(channel.id, BOT_USER),
            })
        });
        let ims = PEOPLE.iter().filter_map(|person| {
            let id = person.im?;
            Some(json!({"id": id, "kind": "im", "name": BOT_NAME, "shared": false, "members": [person.id, BOT_USER],
                        "bot_member": true}))
        });
        let seen = |conversation: &Value| {
            let id = conversation.get("id").and_then(Value::as_str).unwrap_or_default();
            viewer.is_none_or(|viewer| self.sees(viewer, id))
        };
        Value::Array(channels.chain(ims).filter(seen).collect())
    }
}

/// The people, as the page shows them.
pub(crate) fn people_json() -> Value {
    let one = |person: &Person| {
        json!({
            "id": person.id, "name": person.name, "display_name": person.real_name, "avatar": person.color,
            "email": person.email, "team": person.team, "external": person.team != TEAM,
        })
    };
    Value::Array(PEOPLE.iter().map(one).collect())
}

/// A person, as `users.info` answers.
pub(crate) fn user_json(person: &Person, with_email: bool) -> Value {
    let mut profile = json!({
        "real_name": person.real_name, "display_name": person.real_name, "title": "", "phone": "",
        "avatar_hash": "ge3b51ca72de", "image_48": "https://a.slack-edge.com/default.png", "team": person.team,
    });
    if with_email {
        profile.put("email", person.email);
    }
    json!({
        "id": person.id, "team_id": person.team, "name": person.name, "real_name": person.real_name,
        "deleted": false, "color": person.color.trim_start_matches('#'), "tz": "Europe/Berlin",
        "tz_label": "Central European Time", "tz_offset": 3600, "profile": profile, "is_admin": false,
        "is_owner": false, "is_primary_owner": false, "is_restricted": false, "is_ultra_restricted": false,
        "is_bot": false, "is_app_user": false, "is_stranger": person.team != TEAM, "updated": 1_760_000_000,
        "is_email_confirmed": true, "who_can_share_contact_card": "EVERYONE",
    })
}

/// The bot, as `users.info` answers.
pub(crate) fn bot_json() -> Value {
    json!({
        "id": BOT_USER, "team_id": TEAM, "name": BOT_NAME, "real_name": "Vedette", "deleted": false, "is_bot": true,
        "is_app_user": false, "is_restricted": false, "is_ultra_restricted": false,
        "profile": {"bot_id": BOT_ID, "api_app_id": APP_ID, "real_name": "Vedette", "display_name": BOT_NAME, "team": TEAM},
    })
}
