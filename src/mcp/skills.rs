//! Skills: the groups of tools that a person grants to a client, and that `?skills=` and `?disable-skills=` narrow.

use http::{StatusCode, Uri};
use url::form_urlencoded;

use super::refusal::Refusal;
use vedette_commands::{Skill, Spec};
use vedette_sentry::refusal::covers;

/// The names of skills, as sentry-mcp has them in its URLs. `docs` is known there; here no tool belongs to it yet.
const NAMES: [(&str, Option<Skill>); 5] = [
    ("inspect", Some(Skill::Inspect)),
    ("triage", Some(Skill::Triage)),
    ("project-management", Some(Skill::ProjectManagement)),
    ("seer", Some(Skill::Seer)),
    ("docs", None),
];

/// What a caller may use: skills, and of their tools those that the caller's scopes allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skills {
    skills: Vec<Skill>,
    /// `None`: Sentry alone knows them.
    scopes: Option<Vec<String>>,
}

impl Skills {
    /// Every skill there is.
    pub fn all() -> Skills {
        Skills::of(NAMES.iter().filter_map(|(_, skill)| *skill))
    }

    /// These.
    pub fn of(skills: impl IntoIterator<Item = Skill>) -> Skills {
        Skills { skills: skills.into_iter().collect(), scopes: None }
    }

    /// The same skills, with these scopes only.
    pub fn with_scopes(self, scopes: Vec<String>) -> Skills {
        Skills { scopes: Some(scopes), ..self }
    }

    /// Whether one of them includes the command, with all the scopes that it needs.
    pub fn include(&self, spec: &Spec) -> bool {
        spec.skills.iter().any(|skill| self.skills.contains(skill)) && self.missing(spec).is_empty()
    }

    /// The scopes that the command needs and that are known not to be there.
    pub fn missing(&self, spec: &Spec) -> Vec<String> {
        let Some(scopes) = &self.scopes else { return Vec::new() };
        spec.scopes.iter().filter(|scope| !covers(scopes, scope)).map(|scope| (*scope).to_owned()).collect()
    }

    /// The scopes, as far as they are known.
    pub fn scopes(&self) -> &[String] {
        self.scopes.as_deref().unwrap_or_default()
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
            self.skills.retain(|skill| named.contains(skill) == keep);
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
        Skills::all().narrowed(&uri).ok().map(|narrowed| narrowed.skills)
    }

    #[test]
    fn a_query_narrows_and_never_widens() {
        assert_eq!(narrowed(""), Some(Skills::all().skills));
        assert_eq!(narrowed("skills=seer"), Some(vec![Skill::Seer]));
        assert_eq!(narrowed("skills=seer,%20triage,docs"), Some(vec![Skill::Triage, Skill::Seer]));
        assert_eq!(narrowed("skills=seer,triage&disable-skills=seer"), Some(vec![Skill::Triage]));
        assert_eq!(narrowed("experimental=1"), Some(Skills::all().skills));
        let uri = "https://vedette.example.com/mcp?skills=triage".parse().unwrap();
        assert_eq!(Skills::of([Skill::Seer]).narrowed(&uri).unwrap(), Skills::of([]));
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
