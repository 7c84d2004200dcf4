//! `whoami`: the account and the permissions that commands run with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Audience, Field, Part};
use super::grammar::Words;
use super::{Command, CommandError, Context, Effect, Skill, Spec, UsageError, say};

/// Says who the person is at Sentry.
pub struct Whoami;

/// No parameters.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Parameters {}

impl Command for Whoami {
    type Parameters = Parameters;
    const SPEC: Spec = Spec {
        name: "whoami",
        aliases: &["who am i", "auth whoami", "me"],
        tool: "whoami",
        summary: "Show the Sentry account and permissions in use",
        usage: "whoami",
        examples: &["whoami"],
        progress: "Asking Sentry who you are…",
        scopes: &[],
        skills: &[Skill::Inspect, Skill::Triage, Skill::Seer, Skill::ProjectManagement],
        effect: Effect::Read,
        audience: Audience::Person,
    };

    fn read(_words: &mut Words) -> Result<Parameters, UsageError> {
        Ok(Parameters {})
    }

    fn label(_parameters: &Parameters) -> String {
        "Show my Sentry account".to_owned()
    }

    async fn run<'a>(context: &'a Context<'a>, _parameters: Parameters) -> Result<Answer, CommandError> {
        let client = context.client;
        let identity = client.identity().await?;
        let field = |label: &str, value: String| Field { label: label.to_owned(), value, link: None };
        let mut fields = Vec::new();
        let mut notes = Vec::new();
        let title = match &identity.user {
            Some(user) => {
                let email = user.email.as_deref().map(|email| say::line(email, 200));
                fields.extend(email.map(|email| field("Email", email)));
                fields.extend(user.id.as_deref().map(|id| field("User id", say::line(id, 50))));
                format!("You are {}", say::line(user.display_name().unwrap_or("someone without a name"), 100))
            }
            None => {
                notes.push("This credential belongs to an organization, not to a person.".to_owned());
                "You use a token without a user".to_owned()
            }
        };
        fields.push(field("Sentry", client.host().name()));
        if let Some(scopes) = identity.scopes() {
            fields.push(field("Permissions", say::cut(&scopes.join(", "), 500)));
        }
        Ok(Answer { title, parts: vec![Part::Fields(fields)], notes, ..Answer::default() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Sentry;

    #[test]
    fn it_names_the_account_and_its_permissions_with_one_call() {
        let sentry = Sentry::saas().answers(
            "https://sentry.io/api/0/",
            json!({
                "version": "0",
                "auth": { "scopes": ["event:read", "org:read"] },
                "user": { "id": "42", "name": "Ada Lovelace", "email": "ada@globex.example", "username": "ada" },
            }),
        );
        insta::assert_snapshot!(sentry.run_text("whoami"), @r#"
    # You are Ada Lovelace

    - **Email**: ada@globex.example
    - **User id**: 42
    - **Sentry**: sentry.io
    - **Permissions**: event:read, org:read
    "#);
        assert_eq!(sentry.calls(), ["https://sentry.io/api/0/"]);
    }

    #[test]
    fn a_token_of_an_organization_has_no_account() {
        let sentry = Sentry::saas().answers(
            "https://sentry.io/api/0/",
            json!({ "version": "0", "auth": { "scopes": ["org:ci"] }, "user": null }),
        );
        insta::assert_snapshot!(sentry.run_text("whoami"), @r#"
    # You use a token without a user

    - **Sentry**: sentry.io
    - **Permissions**: org:ci

    > This credential belongs to an organization, not to a person.
    "#);
    }
}
