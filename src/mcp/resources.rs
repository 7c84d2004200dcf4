//! One kind of resource: an issue, `sentry://{org}/issues/{id}`, read as `get_issue_details` answers it.

use percent_encoding::percent_decode_str;
use rmcp::model::{
    ErrorCode, ErrorData, ReadResourceRequestParams, ReadResourceResult, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};

use super::call::answer;
use super::era::Era;
use super::words::marked;
use super::{Failure, Server};
use vedette_sentry::slug::Slug;
use vedette_sentry::urls::Reference;

/// The tool that answers for it.
pub const TOOL: &str = "get_issue_details";
const MARKDOWN: &str = "text/markdown";

/// What can be read.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("sentry://{org}/issues/{id}", "issue")
            .with_title("A Sentry issue")
            .with_description("An issue by its short id (`CHECKOUT-API-4F`) or number, with its latest stack trace")
            .with_mime_type(MARKDOWN),
    ]
}

/// Reads one.
///
/// # Errors
/// Not found when the address is none of these or shows nothing; the credential's errors as those of a tool.
pub async fn read(
    server: &Server<'_>,
    params: ReadResourceRequestParams,
    era: Era,
) -> Result<ReadResourceResult, Failure> {
    let not_found = |sentence: String| {
        // 2026-07-28 gave this error the code of invalid parameters.
        let code = if era == Era::Modern { ErrorCode::INVALID_PARAMS } else { ErrorCode::RESOURCE_NOT_FOUND };
        ErrorData::new(code, sentence, Some(json!({ "uri": params.uri })))
    };
    let Some((organization, issue)) = place(&params.uri) else {
        return Err(not_found("Resources here are `sentry://{org}/issues/{id}`.".to_owned()).into());
    };
    if server.place.organization.as_ref().is_some_and(|limit| *limit != organization) {
        return Err(not_found("This connection is limited to another organization.".to_owned()).into());
    }
    let arguments = json!({ "organizationSlug": organization, "issueId": issue });
    let Value::Object(arguments) = arguments else { return Err(not_found(String::new()).into()) };
    let answer = answer(server, TOOL, arguments).await?.map_err(not_found)?;
    let text = marked(&*server.world.ports.random, &answer);
    let mime_type = Some(MARKDOWN.to_owned());
    let contents = ResourceContents::TextResourceContents { uri: params.uri.clone(), mime_type, text, meta: None };
    Ok(ReadResourceResult::new(vec![contents]))
}

fn place(uri: &str) -> Option<(String, String)> {
    let decoded = percent_decode_str(uri.strip_prefix("sentry://")?).decode_utf8().ok()?;
    let (organization, rest) = decoded.split_once('/')?;
    let issue = rest.strip_prefix("issues/")?;
    let issue = match Reference::parse(issue)? {
        Reference::Id(id) | Reference::Short(id) => id,
        Reference::Latest | Reference::MostFrequent => issue.to_owned(),
    };
    Slug::organization(organization).map(|organization| (organization.into(), issue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_issue_of_an_organization_is_an_address() {
        let found = |organization: &str, issue: &str| Some((organization.to_owned(), issue.to_owned()));
        assert_eq!(place("sentry://globex/issues/CHECKOUT-API-4F"), found("globex", "CHECKOUT-API-4F"));
        assert_eq!(place("sentry://globex/issues/web-1"), found("globex", "WEB-1"));
        assert_eq!(place("sentry://globex/issues/42"), found("globex", "42"));
        assert_eq!(place("sentry://globex/issues/%40latest"), found("globex", "@latest"));
        for bad in [
            "",
            "sentry://",
            "sentry://globex",
            "sentry://globex/issues/",
            "sentry://../issues/1",
            "http://globex/issues/1",
            "sentry://globex/issues/1/events",
            "sentry://globex/projects/1",
            "sentry://glo%2fbex/issues/1",
            "sentry://globex/issues/%ff",
        ] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
