//! Skills: the groups of tools that a person grants to a client, and that `?skills=` and `?disable-skills=` narrow.

use http::{StatusCode, Uri};
use url::form_urlencoded;

use super::refusal::Refusal;
use crate::commands::{Skill, Spec};

/// The names of skills, as sentry-mcp has them in its URLs. `docs` is known there; here no tool belongs to it yet.
const NAMES: [(&str, Option<Skill>); 5] = [
    ("inspect", Some(Skill::Inspect)),
    ("triage", Some(Skill::Triage)),
    ("project-management", Some(Skill::ProjectManagement)),
    ("seer", Some(Skill::Seer)),
    ("docs", None),
];

/// A set of skills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skills(Vec<Skill>);

impl Skills {
    /// Every skill there is.
    pub fn all() -> Skills {
        Skills(NAMES.iter().filter_map(|(_, skill)| *skill).collect())
    }

    /// These.
    pub fn of(skills: impl IntoIterator<Item = Skill>) -> Skills {
        Skills(skills.into_iter().collect())
    }

    /// Whether one of them includes the command.
    pub fn include(&self, spec: &Spec) -> bool {
        spec.skills.iter().any(|skill| self.0.contains(skill))
    }

    /// These skills, narrowed by the query of `uri`: `?skills=a,b` leaves those, `?disable-skills=c` leaves the others.
    ///
    /// # Errors
    /// 400 when a name is unknown, or when a list is empty: guessing would give more or less than was meant.
    pub fn narrowed(mut self, uri: &Uri) -> Result<Skills, Refusal> {
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let keep = match name.as_ref() {
                "skills" => true,
                "disable-skills" => false,
                _ => continue,
            };
            let named = read(&name, &value)?;
            self.0.retain(|skill| named.contains(skill) == keep);
        }
        Ok(self)
    }
}

fn read(parameter: &str, list: &str) -> Result<Vec<Skill>, Refusal> {
    let known = || NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let refuse =
        |why: &str| Refusal::new(StatusCode::BAD_REQUEST, format!("`{parameter}` {why}. Skills are: {}.", known()));
    let mut skills = Vec::new();
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err(refuse("is empty"));
    }
    for name in names {
        let Some((_, skill)) = NAMES.iter().find(|(known, _)| *known == name) else {
            return Err(refuse("names a skill that does not exist"));
        };
        skills.extend(*skill);
    }
    Ok(skills)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(query: &str) -> Option<Vec<Skill>> {
        let uri = format!("https://vedette.example.com/mcp?{query}").parse().unwrap();
        Skills::all().narrowed(&uri).ok().map(|skills| skills.0)
    }

    #[test]
    fn a_query_narrows_and_never_widens() {
        assert_eq!(narrowed(""), Some(Skills::all().0));
        assert_eq!(narrowed("skills=seer"), Some(vec![Skill::Seer]));
        assert_eq!(narrowed("skills=seer,%20triage,docs"), Some(vec![Skill::Triage, Skill::Seer]));
        assert_eq!(narrowed("skills=seer,triage&disable-skills=seer"), Some(vec![Skill::Triage]));
        assert_eq!(narrowed("experimental=1"), Some(Skills::all().0));
        let uri = "https://vedette.example.com/mcp?skills=triage".parse().unwrap();
        assert_eq!(Skills::of([Skill::Seer]).narrowed(&uri).unwrap(), Skills(vec![]));
    }

    #[test]
    fn unknown_and_empty_lists_are_refused() {
        for bad in [
            "skills=",
            "skills=,",
            "skills=inspect,everything",
            "disable-skills=",
            "disable-skills=x",
            "skills=INSPECT",
        ] {
            assert_eq!(narrowed(bad), None, "{bad}");
        }
    }
}
