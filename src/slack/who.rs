//! Who asks: the person behind a payload, keyed by the team of the USER.
//!
//! A channel that two companies share brings requests of both to one app. A person is therefore named by their own team
//! and never by the channel's, so that nobody is taken for somebody of another company (P13). In Enterprise Grid one user
//! id belongs to the whole organization: there the enterprise stands in for the team, whichever workspace it was.

use crate::turns::request::PersonId;

/// What a payload says about where the app is installed: the workspace, and the organization when it is Enterprise Grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    team: Option<String>,
    enterprise: Option<String>,
}

impl Home {
    /// From a payload's fields; blank counts as absent.
    pub fn new(team: Option<String>, enterprise: Option<String>) -> Home {
        let present = |id: Option<String>| id.filter(|id| !id.is_empty());
        Home { team: present(team), enterprise: present(enterprise) }
    }

    fn has(&self, id: &str) -> bool {
        [&self.team, &self.enterprise].into_iter().flatten().any(|own| own == id)
    }
}

/// A person, and the ids under which an operator may have allowed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The person.
    pub person: PersonId,
    teams: Vec<String>,
}

impl Who {
    /// The person `user`, whose team the payload states as `stated`.
    ///
    /// A stated team other than the home's is another company's, unless `colleagues` says that everybody here is of one
    /// organization: then it is another of its workspaces. Where a payload does not tell, it is taken for another
    /// company's: the worst that can follow is that the person connects once more.
    ///
    /// `None` when an id is missing, or could not be one.
    pub fn new(home: &Home, stated: Option<&str>, colleagues: bool, user: &str) -> Option<Who> {
        let stated = stated.filter(|team| !team.is_empty() && !home.has(team));
        let teams: Vec<String> = match (stated, &home.enterprise) {
            (Some(stated), Some(enterprise)) if colleagues => vec![enterprise.clone(), stated.to_owned()],
            (Some(stated), _) => vec![stated.to_owned()],
            (None, _) => [&home.enterprise, &home.team].into_iter().flatten().cloned().collect(),
        };
        let team = teams.first()?.clone();
        (is_id(&team) && is_id(user)).then(|| Who { person: PersonId { team, user: user.to_owned() }, teams })
    }

    /// Whether the operator lets this person in: `allowed` holds team and enterprise ids, and is empty for everybody.
    pub fn is_allowed(&self, allowed: &[String]) -> bool {
        allowed.is_empty() || self.teams.iter().any(|team| allowed.contains(team))
    }
}

/// Whether `id` has the form of Slack's ids (`T0GLOBEX1`, `U0ADA0001`): they become parts of keys.
pub fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether `ts` has the form of a message's timestamp: `1700000000.000100`.
pub fn is_ts(ts: &str) -> bool {
    (1..=32).contains(&ts.len()) && ts.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(team: &str, enterprise: &str) -> Home {
        Home::new(Some(team.to_owned()), Some(enterprise.to_owned()))
    }

    fn key(home: &Home, stated: &str, colleagues: bool) -> Option<String> {
        Who::new(home, Some(stated), colleagues, "U1").map(|who| who.person.object_name())
    }

    #[test]
    fn a_person_is_keyed_by_their_enterprise_else_by_their_team_p13() {
        for (team, enterprise, stated, colleagues, expected) in [
            ("T1", "", "", false, Some("slack:T1:U1")),
            ("T1", "", "T1", false, Some("slack:T1:U1")),
            ("T1", "", "T2", false, Some("slack:T2:U1")),
            ("T1", "", "T2", true, Some("slack:T2:U1")),
            ("T1", "E1", "", false, Some("slack:E1:U1")),
            ("T1", "E1", "T1", false, Some("slack:E1:U1")),
            ("T1", "E1", "E1", false, Some("slack:E1:U1")),
            ("T1", "E1", "T2", true, Some("slack:E1:U1")),
            ("T1", "E1", "T2", false, Some("slack:T2:U1")),
            ("", "E1", "", false, Some("slack:E1:U1")),
            ("", "", "T2", false, Some("slack:T2:U1")),
            ("", "", "", false, None),
            ("T:1", "", "", false, None),
        ] {
            let found = key(&home(team, enterprise), stated, colleagues);
            assert_eq!(found.as_deref(), expected, "{team} {enterprise} {stated} {colleagues}");
        }
    }

    #[test]
    fn a_user_id_that_could_not_be_one_names_nobody() {
        for user in ["", "U1:U2", "U 1", "../x", &"U".repeat(33)] {
            assert_eq!(Who::new(&home("T1", ""), None, false, user), None, "{user}");
        }
    }

    #[test]
    fn an_operator_allows_teams_or_enterprises_and_none_listed_allows_all() {
        let allowed =
            |ids: &[&str], who: &Who| who.is_allowed(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        let colleague = Who::new(&home("T1", "E1"), None, false, "U1").unwrap();
        let visitor = Who::new(&home("T1", "E1"), Some("T9"), false, "U1").unwrap();
        assert!(allowed(&[], &visitor));
        for (ids, colleague_allowed, visitor_allowed) in [
            (&["T1"][..], true, false),
            (&["E1"], true, false),
            (&["T9"], false, true),
            (&["T8", "T9", "E1"], true, true),
            (&["T8"], false, false),
        ] {
            assert_eq!(allowed(ids, &colleague), colleague_allowed, "{ids:?}");
            assert_eq!(allowed(ids, &visitor), visitor_allowed, "{ids:?}");
        }
    }
}
