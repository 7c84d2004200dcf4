//! Pages that tests put anywhere on the fake internet, such as an MCP client's description of itself.
//!
//! A page has one whole address, query included, and stands in front of whatever the sandbox would play there. What is asked
//! for at such an address, and at hosts that nobody plays, is recorded.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::{self, Exchange, Outcome};

/// What stands at one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The HTTP status; 0 is 200.
    #[serde(default)]
    pub status: u16,
    /// Headers; without `content-type`, it is `application/json`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: a string is sent as it is, anything else as JSON, nothing for `null`.
    #[serde(default)]
    pub body: Value,
    /// How long the answer takes, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// What becomes of the answer instead: `hang`, `drop` or `truncate`.
    #[serde(default)]
    pub fault: Option<PageFault>,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFault {
    /// It never comes.
    Hang,
    /// The connection closes without a byte.
    Drop,
    /// The connection closes in the middle of the body.
    Truncate,
}

/// One request for a page, or at a host that nobody plays.
#[derive(Clone, Debug, Serialize)]
pub struct Visit {
    /// The whole address.
    pub url: String,
    /// The method.
    pub method: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
}

/// The fake internet beyond Sentry and Slack.
#[derive(Default)]
pub(crate) struct Elsewhere {
    pages: BTreeMap<String, Page>,
    pub(crate) visits: Vec<Visit>,
}

impl Elsewhere {
    pub(crate) fn put(&mut self, url: &str, page: Option<Page>) {
        match page {
            Some(page) => drop(self.pages.insert(url.to_owned(), page)),
            None => drop(self.pages.remove(url)),
        }
    }

    /// Answers a request at an address with a page.
    pub(crate) fn handle(&mut self, request: &Request<Bytes>) -> Option<Exchange> {
        let page = self.pages.get(&request.uri().to_string()).cloned()?;
        self.note(request);
        let body = match &page.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut response = exchange::text(if page.status == 0 { 200 } else { page.status }, &body);
        exchange::set_named(&mut response, "content-type", "application/json");
        for (name, value) in &page.headers {
            exchange::set_named(&mut response, name, value);
        }
        let outcome = match page.fault {
            None => Outcome::Respond(response),
            Some(PageFault::Hang) => Outcome::Hang,
            Some(PageFault::Drop) => Outcome::Drop,
            Some(PageFault::Truncate) => Outcome::Truncate(response),
        };
        Some(Exchange { delay_ms: page.delay_ms, outcome })
    }

    /// Records a request.
    pub(crate) fn note(&mut self, request: &Request<Bytes>) {
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        self.visits.push(Visit {
            url: request.uri().to_string(),
            method: request.method().to_string(),
            headers: headers.collect(),
        });
    }
}
