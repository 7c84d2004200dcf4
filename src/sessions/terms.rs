//! What a person agrees to when they let an MCP client in: skills, the scopes that follow from them, and a limit to one
//! organization or project.

use serde::{Deserialize, Serialize};

use vedette_commands::{Effect, Entry, Skill, Spec, catalogue};
use vedette_sentry::refusal::covers;
use vedette_sentry::slug::Slug;

/// The path of the MCP endpoint.
const ENDPOINT: &str = "mcp";
/// The path by which the legacy transport leads to the same resources.
const LEGACY: &str = "sse";

/// A skill, as people tick it and as clients see it.
#[derive(Debug)]
pub struct SkillText {
    /// The skill.
    pub skill: Skill,
    /// Its name on the wire: `project-management`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it lets the client do, in one sentence.
    pub description: &'static str,
    /// The Sentry scopes that it needs, sorted.
    pub scopes: &'static [&'static str],
}

impl SkillText {
    /// The tools that it has of its own: those that no skill before it has. A tool belongs to several skills when each needs it.
    pub fn own_tools(&self) -> impl Iterator<Item = &'static Entry> {
        let first = |spec: &Spec| SKILLS.iter().find(|skill| spec.skills.contains(&skill.skill));
        catalogue().iter().filter(move |entry| first(&entry.spec).is_some_and(|first| first.skill == self.skill))
    }

    /// Whether it lets a client change something.
    pub fn writes(&self) -> bool {
        self.own_tools().any(|entry| entry.spec.effect != Effect::Read)
            || self.scopes.iter().any(|scope| !scope.ends_with(READS))
    }

    /// Its scopes, as far as the deployment asks for them at all (`SENTRY_SCOPES`).
    pub fn scopes_within(&self, allowed: &[String]) -> Vec<&'static str> {
        self.scopes.iter().copied().filter(|scope| covers(allowed, scope)).collect()
    }
}

/// The skills that a person can be asked for, where `allowed` (`SENTRY_SCOPES`) is the most that is ever asked of Sentry: those
/// with a tool of their own that can work within it (P25).
pub fn offered(allowed: &[String]) -> Vec<&'static SkillText> {
    let allows = |entry: &Entry| entry.spec.scopes.iter().all(|scope| covers(allowed, scope));
    SKILLS.iter().filter(|skill| skill.own_tools().any(allows)).collect()
}

/// How the name of a scope ends that lets nothing be changed.
const READS: &str = ":read";

/// The skills, in the order of the consent page: what has the least access first. Names as sentry-mcp has them.
pub static SKILLS: [SkillText; 4] = [
    SkillText {
        skill: Skill::Inspect,
        name: "inspect",
        title: "Inspect issues and events",
        description: "Search issues, read an issue with its latest event, list organizations and projects.",
        scopes: &["event:read", "org:read", "project:read", "team:read"],
    },
    SkillText {
        skill: Skill::Seer,
        name: "seer",
        title: "Seer",
        description: "Ask Sentry's Seer for the cause of an issue, and for a fix.",
        scopes: &["event:read", "event:write", "org:read", "project:read", "team:read"],
    },
    SkillText {
        skill: Skill::Triage,
        name: "triage",
        title: "Triage issues",
        description: "Resolve, assign and comment on issues.",
        scopes: &["event:read", "event:write", "org:read", "project:read", "team:read"],
    },
    SkillText {
        skill: Skill::ProjectManagement,
        name: "project-management",
        title: "Manage projects and teams",
        description: "Create and change projects, teams and client keys.",
        scopes: &["event:read", "org:read", "project:read", "project:write", "team:read", "team:write"],
    },
];

/// The skill called `name`.
pub fn skill_named(name: &str) -> Option<&'static SkillText> {
    SKILLS.iter().find(|skill| skill.name == name)
}

/// The scopes that skills need together, sorted; unknown names need none.
pub fn scopes_of<'a>(skills: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scopes: Vec<String> = skills
        .into_iter()
        .filter_map(skill_named)
        .flat_map(|skill| skill.scopes.iter().map(|scope| (*scope).to_owned()))
        .collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

/// Every scope that any skill needs, sorted.
pub fn all_scopes() -> Vec<String> {
    scopes_of(SKILLS.iter().map(|skill| skill.name))
}

/// The scopes that any skill reads with, sorted: what clients are told to ask for (P25).
pub fn reading_scopes() -> Vec<String> {
    all_scopes().into_iter().filter(|scope| scope.ends_with(READS)).collect()
}

/// The organization and project that a session or token is limited to, as the resource's path says it:
/// `/mcp[/<organization>[/<project>]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The organization's slug.
    pub organization: Option<String>,
    /// The project's slug; only with an organization.
    pub project: Option<String>,
}

impl Limit {
    /// Reads the path of a protected resource of ours; a slash at the end changes nothing.
    pub fn from_path(path: &str) -> Option<Limit> {
        let mut segments = path.strip_prefix('/')?.strip_suffix('/').unwrap_or(path.strip_prefix('/')?).split('/');
        segments.next().filter(|first| matches!(*first, ENDPOINT | LEGACY))?;
        let rest: Vec<&str> = segments.collect();
        let (organization, project) = Slug::place(&rest)?;
        Some(Limit { organization: organization.map(String::from), project: project.map(String::from) })
    }

    /// The path.
    pub fn path(&self) -> String {
        let segments = [Some(ENDPOINT), self.organization.as_deref(), self.project.as_deref()];
        segments.into_iter().flatten().fold(String::new(), |path, segment| format!("{path}/{segment}"))
    }

    /// Whether what is limited to `narrower` stays within this limit.
    pub fn contains(&self, narrower: &Limit) -> bool {
        let within = |outer: &Option<String>, inner: &Option<String>| outer.is_none() || outer == inner;
        within(&self.organization, &narrower.organization) && within(&self.project, &narrower.project)
    }
}

/// What was agreed to, by whom, for whom. Fixed when the person presses *Approve*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The client: the hash of its id.
    pub client: String,
    /// What the client calls itself; untrusted.
    pub client_name: String,
    /// Where the code goes; the token request must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// The PKCE challenge, S256 (RFC 7636 §4.3).
    pub challenge: Option<String>,
    /// Our origin, without a slash at the end: issuer, and the beginning of the audience (RFC 8707).
    pub origin: String,
    /// The rest of the audience.
    pub limit: Limit,
    /// The names of the ticked skills.
    pub skills: Vec<String>,
    /// Whether the client registered for refresh tokens.
    pub may_refresh: bool,
    /// Whether the client left the redirect URI out, having registered one only. It may then leave it out when it redeems the
    /// code (RFC 6749 §4.1.3).
    #[serde(default)]
    pub redirect_implied: bool,
    /// The scopes that were asked of Sentry; `None`: all that the skills need, as in sessions of an earlier time.
    #[serde(default)]
    pub asked: Option<Vec<String>>,
}

impl Terms {
    /// The scopes that were asked for, sorted; without a record of it, those that follow from the skills.
    pub fn scopes(&self) -> Vec<String> {
        self.asked.clone().unwrap_or_else(|| scopes_of(self.skills.iter().map(String::as_str)))
    }

    /// The skills that a token with `scopes` may use: those whose scopes it has, all that the session has of them.
    pub fn skills_within(&self, scopes: &[String]) -> Vec<String> {
        let all = self.scopes();
        let covered = |skill: &&String| {
            let text = skill_named(skill);
            text.is_some_and(|text| text.scopes_within(&all).iter().all(|scope| scopes.iter().any(|it| it == scope)))
        };
        self.skills.iter().filter(covered).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_endpoint_an_organization_or_a_project() {
        assert_eq!(Limit::from_path("/sse/globex"), Limit::from_path("/mcp/globex"));
        for path in ["/mcp", "/mcp/globex", "/mcp/globex/checkout-api", "/mcp/globex/_internal"] {
            let limit = Limit::from_path(path).unwrap();
            assert_eq!(limit.path(), path);
            assert_eq!(Limit::from_path(&format!("{path}/")), Some(limit));
        }
        let long = format!("/mcp/{}", "a".repeat(101));
        for path in [
            "",
            "/",
            "mcp",
            "/mcpfoo",
            "/mcp//",
            "/mcp//a",
            "/mcp/a/b/c",
            "/mcp/..",
            "/mcp/a%2fb",
            "/mcp/a b",
            "/mcp/_a",
            "/mcp/a.b",
            &long,
        ] {
            assert_eq!(Limit::from_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_limit_contains_what_is_narrower_cases_22_to_24() {
        let limit = |path| Limit::from_path(path).unwrap();
        assert!(limit("/mcp").contains(&limit("/mcp/globex")));
        assert!(limit("/mcp/globex").contains(&limit("/mcp/globex/api")));
        assert!(limit("/mcp/globex").contains(&limit("/mcp/globex")));
        assert!(!limit("/mcp/globex").contains(&limit("/mcp")));
        assert!(!limit("/mcp/globex").contains(&limit("/mcp/initech")));
        assert!(!limit("/mcp/globex/api").contains(&limit("/mcp/globex")));
        assert!(!limit("/mcp/globex/api").contains(&limit("/mcp/globex/web")));
    }

    #[test]
    fn the_scopes_follow_from_the_ticked_skills() {
        assert_eq!(scopes_of(["inspect"]), ["event:read", "org:read", "project:read", "team:read"]);
        assert!(scopes_of(["triage"]).contains(&"event:write".to_owned()));
        assert!(!scopes_of(["triage", "inspect"]).contains(&"project:write".to_owned()));
        assert!(scopes_of(["nonsense"]).is_empty());
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_tool_is_one_skills_own_and_a_skill_without_one_is_not_offered_p25() {
        let all = all_scopes();
        let own: usize = SKILLS.iter().map(|skill| skill.own_tools().count()).sum();
        assert_eq!(own, catalogue().len(), "each tool is counted once");
        for skill in &SKILLS {
            let offered = offered(&all).iter().any(|it| it.name == skill.name);
            assert_eq!(offered, skill.own_tools().next().is_some(), "{}", skill.name);
        }
        assert!(offered(&all).iter().any(|skill| skill.name == "inspect" && !skill.writes()));
        assert!(skill_named("triage").unwrap().writes());
    }

    #[test]
    fn a_skill_is_offered_and_asks_for_scopes_as_far_as_the_deployment_does_p25() {
        assert!(offered(&[]).iter().all(|skill| skill.own_tools().any(|entry| entry.spec.scopes.is_empty())));
        let inspect = skill_named("inspect").unwrap();
        assert_eq!(inspect.scopes_within(&words("project:read org:read openid")), ["org:read", "project:read"]);
    }

    #[test]
    fn the_scopes_that_clients_are_told_of_read() {
        assert_eq!(reading_scopes(), ["event:read", "org:read", "project:read", "team:read"]);
    }

    #[test]
    fn terms_of_an_earlier_time_are_what_they_were() {
        let stored = r#"{"client":"c","client_name":"n","redirect_uri":"u","challenge":null,"origin":"o",
            "limit":{"organization":null,"project":null},"skills":["inspect","triage"],"may_refresh":true}"#;
        let terms: Terms = serde_json::from_str(stored).unwrap();
        assert!(terms.scopes().contains(&"event:write".to_owned()) && !terms.redirect_implied);
        assert_eq!(terms.skills_within(&terms.scopes()), ["inspect", "triage"]);
        let fewer = Terms { asked: Some(words("event:read org:read")), skills: vec!["inspect".into()], ..terms };
        assert_eq!(fewer.skills_within(&words("event:read org:read")), ["inspect"]);
        assert!(fewer.skills_within(&words("org:read")).is_empty());
    }
}
