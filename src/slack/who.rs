//! Who asks: the person behind a signed payload, where they belong, and whether they may come in.
//!
//! A channel that two companies share brings requests of both to one app. So a person is named by their own team and never by
//! the channel's, and nobody is taken for somebody of another company (P13). In Enterprise Grid one user id belongs to the
//! whole organization: there the enterprise stands in for the team, whichever workspace it was.
//!
//! [`Requester`] holds every fact of a payload that says where its user belongs. Its affiliation follows from them:
//!
//! 1. *home*: each team that is named is of the installation; or none is, and nobody from elsewhere can have sent the payload;
//! 2. *other*: another company's team is named, whatever other fields say;
//! 3. *unknown*: the payload is silent, or names a workspace that may be another one of our own enterprise. That is never
//!    taken for home: the person's object asks Slack ([`Membership`]), after the acknowledgement.
//!
//! What Slack's fields mean, as its own SDKs read them (`slackapi/bolt-python`, `slack_bolt/request/internals.py`, and the
//! payloads of its tests):
//!
//! | field | meaning |
//! | --- | --- |
//! | `authorizations[0]` of an event | the installation |
//! | `team_id`, `context_team_id` of an event | in a shared channel, either company |
//! | `user_team`, `source_team`, `user_profile.team` | the user's team, or their enterprise |
//! | `team` of a message | the user's team |
//! | `team` of an `app_mention` | the same, or, beside those, the envelope's `team_id` once more |
//! | `team`, `enterprise` of a press | the installation |
//! | `team`, `enterprise` of a shortcut or a view | the installation or the user's own; `app_installed_team_id` tells |
//! | `user.team_id` of an interaction | the user's team; in Enterprise Grid any workspace of theirs, or the enterprise |
//! | `team_id`, `enterprise_id` of a slash command | where it was typed: a workspace of the user that has the app |
//! | `is_enterprise_install` | how the app was installed, and nothing of the user |

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::turns::request::PersonId;

/// The workspace that the app is installed in, and its enterprise when it is one of Enterprise Grid. An installation for the
/// whole enterprise has no workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    team: Option<String>,
    enterprise: Option<String>,
    /// Another workspace of the enterprise, as the payload says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sister: Option<String>,
}

impl Home {
    /// From a payload's fields; blank counts as absent. `None` when there is neither.
    pub fn new(team: Option<&str>, enterprise: Option<&str>) -> Option<Home> {
        let (team, enterprise) = (present(team), present(enterprise));
        (team.is_some() || enterprise.is_some()).then_some(Home { team, enterprise, sister: None })
    }

    /// The same, knowing that `team` is of `enterprise`.
    fn knowing(mut self, team: Option<&str>, enterprise: Option<&str>) -> Home {
        if present(enterprise).is_some_and(|id| Some(id) == self.enterprise) {
            self.sister = present(team);
        }
        self
    }

    fn has(&self, id: &str) -> bool {
        [&self.team, &self.enterprise, &self.sister].into_iter().flatten().any(|own| own == id)
    }

    /// What names its people: the enterprise, else the workspace.
    fn key(&self) -> Option<&String> {
        self.enterprise.as_ref().or(self.team.as_ref())
    }
}

/// Where somebody belongs, as seen from the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affiliation {
    /// They are of the workspace or enterprise that the app is installed in.
    Home,
    /// They are of another.
    Other,
    /// It is not known. Never to be taken for home.
    Unknown,
}

/// Whom the operator lets in.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// `SLACK_ALLOWED_TEAMS`: ids of teams and enterprises; empty when nobody is named.
    pub allowed: &'a [String],
    /// Whether everybody is answered with the operator's own access (P6): then only home comes in, unless others are named.
    pub headless: bool,
}

impl Policy<'_> {
    /// A deployment's.
    pub fn of(config: &Config) -> Policy<'_> {
        Policy {
            allowed: config.slack.as_ref().map_or(&[], |slack| &slack.allowed_teams),
            headless: config.environment_token.is_some(),
        }
    }

    fn lists(&self, id: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == id)
    }
}

/// Whether somebody may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Admitted,
    /// No.
    Refused,
    /// Slack has to be asked first.
    Undecided,
}

impl From<bool> for Admission {
    fn from(admitted: bool) -> Admission {
        if admitted { Admission::Admitted } else { Admission::Refused }
    }
}

/// Somebody, by what a signed payload says of where they belong. The one type that every kind of payload becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The user's id.
    user: String,
    /// Each team or enterprise that the payload names as the user's, the one that counts most first.
    named: Vec<String>,
    /// Where the app is installed, when the payload tells.
    home: Option<Home>,
    /// Whether nobody from elsewhere can have sent the payload.
    internal: bool,
    /// Whether a field names another team that need not be the user's.
    doubted: bool,
    /// What Slack has said, when it was asked. Then `named` is what it said too.
    told: Option<Affiliation>,
    /// To which team an earlier version counted whoever sent this payload.
    #[serde(default)]
    formerly: Option<String>,
}

/// The facts of an event, beside its user.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventTeams<'a> {
    /// Whether it is an `app_mention`.
    pub is_mention: bool,
    /// `event.user_team`.
    pub user_team: Option<&'a str>,
    /// `event.source_team`.
    pub source_team: Option<&'a str>,
    /// `event.user_profile.team`.
    pub profile_team: Option<&'a str>,
    /// `event.team`.
    pub team: Option<&'a str>,
    /// `authorizations[0].team_id` and `authorizations[0].enterprise_id`; `None` when there is no authorization.
    pub authorized: Option<(Option<&'a str>, Option<&'a str>)>,
    /// The envelope's `team_id` and `enterprise_id`.
    pub envelope: (Option<&'a str>, Option<&'a str>),
    /// `is_ext_shared_channel`.
    pub is_externally_shared: Option<bool>,
}

/// The facts of an interaction (a press, a shortcut, a view), beside its user.
#[derive(Clone, Copy, Debug, Default)]
pub struct InteractionTeams<'a> {
    /// `user.team_id`.
    pub user_team: Option<&'a str>,
    /// The installation's workspace: `team.id` of a press, `view.app_installed_team_id`.
    pub team: Option<&'a str>,
    /// Its enterprise: `enterprise.id` or `team.enterprise_id` of a press.
    pub enterprise: Option<&'a str>,
    /// `is_enterprise_install`: how earlier versions told colleagues, and nothing else.
    pub is_enterprise_install: bool,
}

impl Requester {
    /// Who sent an event. `None` when the payload's ids could not be ids, or name no team at all.
    pub fn of_event(user: &str, teams: EventTeams) -> Option<Requester> {
        let internal = teams.is_externally_shared == Some(false);
        let (envelope_team, envelope_enterprise) = teams.envelope;
        let home = match teams.authorized {
            Some((team, enterprise)) => {
                // Of the envelope's two companies, the installation is the one with its workspace.
                let same = internal || (present(team).is_some() && present(team) == present(envelope_team));
                Home::new(team, enterprise.filter(|id| !id.is_empty()).or(envelope_enterprise.filter(|_| same)))
            }
            None if internal => Home::new(envelope_team, envelope_enterprise),
            None => None,
        };
        let home = home.map(|home| home.knowing(envelope_team, envelope_enterprise));
        let own = [teams.user_team, teams.source_team, teams.profile_team];
        let told = own.iter().any(|id| present(*id).is_some());
        let repeated = teams.is_mention && told && present(teams.team) == present(envelope_team);
        let (repeated, team) = if repeated { (teams.team, None) } else { (None, teams.team) };
        let named = named(own.into_iter().chain([team]));
        let foreign = |id: String| home.as_ref().is_some_and(|home| !home.has(&id));
        let doubted = present(repeated).is_some_and(foreign);
        let authorized = teams.authorized.and_then(|(_, enterprise)| enterprise).filter(|id| !id.is_empty());
        let stated = teams.user_team.filter(|id| !id.is_empty()).or(teams.source_team);
        let formerly = formerly((envelope_team, authorized.or(envelope_enterprise)), stated, internal);
        Requester { user: user.to_owned(), named, home, internal, doubted, told: None, formerly }.checked()
    }

    /// Who sent an interaction. `None` as above.
    pub fn of_interaction(user: &str, teams: InteractionTeams) -> Option<Requester> {
        let home = Home::new(teams.team, teams.enterprise);
        let (named, user) = (named([teams.user_team]), user.to_owned());
        let formerly = formerly((teams.team, teams.enterprise), teams.user_team, teams.is_enterprise_install);
        Requester { user, named, home, internal: false, doubted: false, told: None, formerly }.checked()
    }

    /// Who used a slash command, typed in the workspace `team` of `enterprise`. Only members of a workspace that has the app
    /// can: so the team is the user's own, and whether it is the home of *this* deployment's token is not told. `None` as
    /// above.
    pub fn of_command(user: &str, team: Option<&str>, enterprise: Option<&str>) -> Option<Requester> {
        let (named, user) = (named([enterprise, team]), user.to_owned());
        Requester { user, named, home: None, internal: true, doubted: false, told: None, formerly: None }.checked()
    }

    fn checked(self) -> Option<Requester> {
        let person = self.person()?;
        let good = self.named.iter().chain([&person.team, &person.user]).all(|id| is_id(id));
        good.then_some(self)
    }

    /// Somebody whom a version took in that wrote down nothing but the key.
    pub fn of_person(person: &PersonId) -> Requester {
        let (named, user) = (vec![person.team.clone()], person.user.clone());
        Requester { user, named, home: None, internal: false, doubted: false, told: None, formerly: None }
    }

    /// The person under whom a request is taken: settled, or until Slack has said otherwise.
    pub fn person(&self) -> Option<PersonId> {
        let home = self.home.as_ref().and_then(Home::key);
        let team = match self.affiliation() {
            _ if self.told.is_some() => self.named.first(),
            Affiliation::Home => home,
            Affiliation::Other => self.own_enterprise().or(self.foreign().next()),
            Affiliation::Unknown => home.or(self.named.first()),
        };
        Some(PersonId { team: team?.clone(), user: self.user.clone() })
    }

    /// Where the person belongs, as far as the payload tells.
    pub fn affiliation(&self) -> Affiliation {
        if let Some(told) = self.told {
            return told;
        }
        let Some(home) = &self.home else { return Affiliation::Unknown };
        let mut foreign = self.foreign().peekable();
        if foreign.peek().is_none() {
            let told = !self.doubted && (self.internal || !self.named.is_empty());
            return if told { Affiliation::Home } else { Affiliation::Unknown };
        }
        // A workspace that is not the installation's may still be of its enterprise.
        if home.enterprise.is_none() || foreign.any(|id| is_enterprise(id)) {
            Affiliation::Other
        } else {
            Affiliation::Unknown
        }
    }

    /// Whether it is known which person it is. Another company's workspace may be one of an enterprise.
    pub fn is_settled(&self) -> bool {
        match self.affiliation() {
            _ if self.told.is_some() => true,
            Affiliation::Home => true,
            Affiliation::Other => self.own_enterprise().is_some(),
            Affiliation::Unknown => self.home.is_none() && self.internal,
        }
    }

    /// Whether what is known lets the person in.
    pub fn admission(&self, policy: Policy) -> Admission {
        let affiliation = self.affiliation();
        if policy.allowed.is_empty() {
            return match affiliation {
                _ if !policy.headless => Admission::Admitted,
                Affiliation::Home => Admission::Admitted,
                Affiliation::Other => Admission::Refused,
                Affiliation::Unknown => Admission::Undecided,
            };
        }
        let grid = self.home.as_ref().is_some_and(|home| home.enterprise.is_some());
        match affiliation {
            _ if self.told.is_some() => self.named.iter().any(|id| policy.lists(id)).into(),
            Affiliation::Home if self.own().any(|id| policy.lists(id)) => Admission::Admitted,
            // Of which other workspaces somebody is, Slack tells.
            Affiliation::Home if grid => Admission::Undecided,
            Affiliation::Home => Admission::Refused,
            Affiliation::Unknown if self.home.is_none() && self.internal => {
                self.named.iter().any(|id| policy.lists(id)).into()
            }
            Affiliation::Unknown if self.named.is_empty() || grid || self.doubted => Admission::Undecided,
            Affiliation::Other | Affiliation::Unknown => self.listed(policy),
        }
    }

    /// Whether the operator has named each team that the payload names.
    fn listed(&self, policy: Policy) -> Admission {
        if self.named.iter().all(|id| policy.lists(id)) {
            return Admission::Admitted;
        }
        let elsewhere = |id: &&String| self.home.as_ref().is_none_or(|home| !home.has(id));
        let mut others = policy.allowed.iter().filter(elsewhere).peekable();
        if others.peek().is_none() {
            return Admission::Refused;
        }
        // A workspace and its enterprise may be named where the other is allowed.
        let may_match = self.named.iter().chain(others).any(|id| is_enterprise(id));
        if may_match { Admission::Undecided } else { Admission::Refused }
    }

    /// The person whom an earlier version took for who sent this payload.
    pub fn former(&self) -> Option<PersonId> {
        let team = self.formerly.clone().filter(|team| is_id(team))?;
        Some(PersonId { team, user: self.user.clone() })
    }

    /// Whether it is still to be known where the app is installed.
    pub fn lacks_home(&self) -> bool {
        self.home.is_none()
    }

    /// The same, with the installation that Slack told.
    pub fn at(mut self, home: Option<Home>) -> Requester {
        self.home = self.home.or(home);
        self
    }

    /// The same person, as Slack tells of them. `None` when Slack does not say, or contradicts the payload: two companies may
    /// have people of one id.
    pub fn told(&self, membership: &Membership) -> Option<Requester> {
        let agrees = self.named.iter().all(|id| membership.may_have(id));
        let home = self.home.as_ref().filter(|home| membership.ids().any(|id| home.has(id)));
        let key = membership.enterprise().or(home.and_then(Home::key)).or(membership.team.as_ref());
        let key = key.filter(|_| agrees)?;
        let ids = [key].into_iter().chain(membership.ids()).map(|id| Some(id.as_str()));
        let told = Some(if home.is_some() { Affiliation::Home } else { Affiliation::Other });
        Requester { named: named(ids), told, ..self.clone() }.checked()
    }

    /// The teams that are named and not the installation's.
    fn foreign(&self) -> impl Iterator<Item = &String> {
        self.named.iter().filter(|id| self.home.as_ref().is_some_and(|home| !home.has(id)))
    }

    fn own_enterprise(&self) -> Option<&String> {
        self.foreign().find(|id| is_enterprise(id))
    }

    /// The ids of somebody of home: what is named, else the workspace; and the enterprise.
    fn own(&self) -> impl Iterator<Item = &String> {
        let home = self.home.iter().flat_map(|home| {
            let team = home.team.as_ref().filter(|_| self.named.is_empty());
            team.into_iter().chain(&home.enterprise)
        });
        self.named.iter().chain(home)
    }
}

/// What `users.info` says of where a user belongs. Blank counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// `team_id`: a workspace of the user, or their enterprise.
    pub team: Option<String>,
    /// `enterprise_user.enterprise_id`.
    pub enterprise: Option<String>,
    /// `enterprise_user.teams`: every workspace of an enterprise that the user is in.
    pub teams: Vec<String>,
}

impl Membership {
    fn ids(&self) -> impl Iterator<Item = &String> {
        [&self.team, &self.enterprise].into_iter().flatten().chain(&self.teams)
    }

    fn enterprise(&self) -> Option<&String> {
        self.enterprise.as_ref().or(self.team.as_ref().filter(|id| is_enterprise(id)))
    }

    /// Whether `id` may be one of the user's: where Slack does not list the workspaces of an enterprise, any may be.
    fn may_have(&self, id: &str) -> bool {
        let unlisted = self.enterprise().is_some() && self.teams.is_empty() && !is_enterprise(id);
        unlisted || self.ids().any(|own| own == id)
    }
}

fn present(id: Option<&str>) -> Option<String> {
    id.filter(|id| !id.is_empty()).map(str::to_owned)
}

fn named<'a>(fields: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for id in fields.into_iter().filter_map(present) {
        if !named.contains(&id) {
            named.push(id);
        }
    }
    named
}

/// The key that an earlier version gave: that of the team which is stated, unless it is the own one or everybody counts as
/// a colleague; else of the own.
fn formerly(own: (Option<&str>, Option<&str>), stated: Option<&str>, colleagues: bool) -> Option<String> {
    let (team, enterprise) = (present(own.0), present(own.1));
    let stated = present(stated).filter(|id| Some(id) != team.as_ref() && Some(id) != enterprise.as_ref());
    match (stated, enterprise) {
        (Some(_), Some(enterprise)) if colleagues => Some(enterprise),
        (Some(stated), _) => Some(stated),
        (None, enterprise) => enterprise.or(team),
    }
}

fn is_enterprise(id: &str) -> bool {
    id.starts_with('E')
}

/// Whether `id` has the form of Slack's ids (`T0GLOBEX1`, `U0ADA0001`): they become parts of keys.
pub fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether `ts` has the form of a message's timestamp: `1700000000.000100`.
pub fn is_ts(ts: &str) -> bool {
    (1..=32).contains(&ts.len()) && ts.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
