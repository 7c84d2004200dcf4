//! Who asked for a private link, and where: what the connect pages name (P14).
//!
//! A person chooses their display name, and so could take somebody else's. Beside it stands what Slack lets nobody choose:
//! the confirmed e-mail address, else the handle and the member id; and where and when was asked. All of it is asked of Slack
//! anew for each link, after Slack was acknowledged, and kept sealed until the next one.

use jiff::{Timestamp as Moment, tz};
use serde::{Deserialize, Serialize};
use url::Url;

use super::person::{Person, PersonError};
use super::request::{Place, TurnRequest};
use super::tickets::WORTH_POINTING_TO;
use crate::crypto::Sealed;
use crate::ports::Timestamp;
use crate::slack::api::{Api, SlackPerson, TimeZone};

/// Under which name the asker of the newest link is remembered.
const MEMORY: &str = "asker";
/// Under which name the workspace is remembered: only its administrators rename it.
const WORKSPACE: &str = "workspace";

/// Who asked for a link, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The Slack display name, which its person chooses; or the member id.
    pub name: String,
    /// The address that Slack has confirmed, when the app may read it.
    pub email: Option<String>,
    /// The handle, without `@`.
    pub handle: Option<String>,
    /// The member id.
    pub member: String,
    /// The workspace's name, or its id.
    pub workspace: String,
    /// Where and when: `in #incidents at 14:02 (Central European Time)`.
    pub asked: Option<String>,
    /// The address that opens the conversation in Slack.
    pub back: Option<Url>,
}

#[derive(Serialize, Deserialize)]
struct KnownWorkspace {
    name: String,
    team: Option<String>,
}

impl Person {
    /// Asks Slack who asks, when a new link is about to be made. What Slack does not tell, the pages show as ids.
    pub(super) async fn learn_asker(&self, api: &Api, request: &TurnRequest) -> Result<(), PersonError> {
        let lives = self.store.live_ticket(self.now() + WORTH_POINTING_TO)?.is_some();
        if lives && self.remembered_asker()?.is_some() {
            return Ok(());
        }
        let workspace = self.workspace(api).await?;
        let (told, channel) = futures::join!(
            api.person(&self.id.user),
            channel_name(api, &request.place, self.is_of(workspace.as_ref()))
        );
        let asker = self.asker_of(told.ok(), workspace, channel.as_deref(), request);
        let sealed = Sealed(self.seal(&asker)?).to_text();
        Ok(self.store.remember(MEMORY, Some(&sealed))?)
    }

    fn asker_of(
        &self,
        told: Option<SlackPerson>,
        workspace: Option<KnownWorkspace>,
        channel: Option<&str>,
        request: &TurnRequest,
    ) -> Asker {
        let own = self.is_of(workspace.as_ref());
        let team = workspace.as_ref().and_then(|it| it.team.clone()).filter(|_| own);
        let team = team.unwrap_or_else(|| self.id.team.clone());
        let zone = told.as_ref().and_then(|it| it.time_zone.as_ref());
        let when = time_of_day(request.asked_at, zone);
        Asker {
            asked: Some(format!("{}{when}", place(&request.place, channel))),
            name: told.as_ref().map_or_else(|| self.id.user.clone(), |it| it.name.clone()),
            handle: told.as_ref().and_then(|it| it.handle.clone()),
            email: told.and_then(|it| it.email),
            member: self.id.user.clone(),
            // Somebody of a partner company is not of the workspace that installed the app, and its name is not told.
            workspace: workspace.filter(|_| own).map_or_else(|| self.id.team.clone(), |it| it.name),
            back: self.back_to(request.place.channel(), &team),
        }
    }

    fn is_of(&self, workspace: Option<&KnownWorkspace>) -> bool {
        workspace.is_some_and(|it| it.team.is_some())
    }

    /// The workspace where the app is installed; `team` only when the person is of it.
    async fn workspace(&self, api: &Api) -> Result<Option<KnownWorkspace>, PersonError> {
        if let Some(known) = self.store.recall::<KnownWorkspace>(WORKSPACE)? {
            return Ok(Some(known));
        }
        let Ok(told) = api.workspace().await else { return Ok(None) };
        let own = told.ids.contains(&self.id.team);
        let known = KnownWorkspace { name: told.name, team: told.ids.into_iter().next().filter(|_| own) };
        self.store.remember(WORKSPACE, Some(&known))?;
        Ok(Some(known))
    }

    /// Slack's own address for a conversation: it opens the app where there is one, else the web client.
    fn back_to(&self, channel: &str, team: &str) -> Option<Url> {
        let mut url = self.world.config.slack.as_ref().ok()?.api_url.clone();
        url.set_path("/app_redirect");
        url.query_pairs_mut().clear().append_pair("channel", channel).append_pair("team", team);
        Some(url)
    }

    fn remembered_asker(&self) -> Result<Option<Asker>, PersonError> {
        let sealed = self.store.recall::<String>(MEMORY)?.and_then(|text| Sealed::from_text(&text));
        Ok(sealed.and_then(|sealed| self.open(&sealed.0)))
    }

    /// Who asked for the newest link.
    pub(super) fn asker(&self) -> Result<Asker, PersonError> {
        Ok(self.remembered_asker()?.unwrap_or_else(|| Asker {
            name: self.id.user.clone(),
            email: None,
            handle: None,
            member: self.id.user.clone(),
            workspace: self.id.team.clone(),
            asked: None,
            back: None,
        }))
    }
}

async fn channel_name(api: &Api, place: &Place, own: bool) -> Option<String> {
    match place {
        Place::Direct { .. } => None,
        // The name that the installing company gave a shared channel is not told to a partner's people.
        _ if !own => None,
        Place::Thread { channel, .. } | Place::Ephemeral { channel, .. } if channel.starts_with('D') => None,
        Place::Thread { channel, .. } | Place::Ephemeral { channel, .. } => api.channel_name(channel).await.ok(),
    }
}

fn place(place: &Place, name: Option<&str>) -> String {
    match (place, name) {
        (Place::Direct { .. }, _) => "in a direct message".to_owned(),
        (_, Some(name)) => format!("in #{name}"),
        (place, None) if place.channel().starts_with('D') => "in a direct message".to_owned(),
        (_, None) => "in a channel".to_owned(),
    }
}

/// ` at 14:02 (Central European Summer Time)`, as the person's clock showed it.
fn time_of_day(at: Timestamp, zone: Option<&TimeZone>) -> String {
    let offset = zone.and_then(|zone| Some((tz::Offset::from_seconds(zone.offset_seconds).ok()?, zone.label.as_str())));
    let (offset, label) = offset.unwrap_or((tz::Offset::UTC, "UTC"));
    let Ok(moment) = Moment::from_millisecond(at.0) else { return String::new() };
    format!(" at {} ({label})", offset.to_datetime(moment).strftime("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_was_asked_is_told_by_the_persons_own_clock_else_by_utc() {
        let at = Timestamp(1_760_000_000_000);
        let zone = TimeZone { label: "Central European Summer Time".to_owned(), offset_seconds: 7_200 };
        assert_eq!(time_of_day(at, Some(&zone)), " at 10:53 (Central European Summer Time)");
        assert_eq!(time_of_day(at, None), " at 08:53 (UTC)");
        let nowhere = TimeZone { label: "Mars".to_owned(), offset_seconds: i32::MAX };
        assert_eq!(time_of_day(at, Some(&nowhere)), " at 08:53 (UTC)");
    }
}
