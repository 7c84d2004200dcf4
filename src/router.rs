//! Every URL on one screen.
//!
//! | method, path | answered by |
//! | --- | --- |
//! | `POST /slack/events`, `/slack/commands`, `/slack/interactions` | [`crate::slack::routes`] |
//! | `GET`, `POST /connect/{ticket}` | [`crate::oauth::routes::connect`] |
//! | `GET /api/oauth/callback/sentry` | [`crate::oauth::routes::callback`] |
//! | `GET`, `POST /oauth/authorize` | [`crate::oauth::routes::authorize`] |
//! | `GET /oauth/callback` | [`crate::oauth::routes::approved`], [`crate::oauth::routes::account`] |
//! | `GET`, `POST /account` | [`crate::oauth::routes::account`] |
//! | `POST /oauth/register`, `/oauth/token`, `/oauth/revoke`, `GET /.well-known/oauth-…` | [`crate::oauth::provider::door`] |
//! | `GET /api/auth/status` | [`crate::status`] |
//! | `POST /mcp`, `/mcp/{organization}`, `/mcp/{organization}/{project}` | [`crate::mcp::door`] |
//! | `GET`, `POST /sse`, `/sse/{organization}`, `/sse/{organization}/{project}` | [`crate::mcp::legacy`] |
//! | `GET /`, `/llms.txt`, `/mcp.json`, `/robots.txt`, `/favicon.ico`, `/favicon.svg` | [`crate::pages::front`] |
//! | `GET /health` | [`crate::status`] |
//!
//! Anything else is 404; a known path with another method is 405 with `Allow` (RFC 9110 §15.5.6). `HEAD` is `GET` without
//! the body. Every response carries the security headers.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use url::Url;

use crate::mcp::door as mcp;
use crate::mcp::legacy as sse;
use crate::oauth::provider::door as provider;
use crate::oauth::routes::{account, approved, authorize, callback, connect};
use crate::pages::{self, Page, front};
use crate::reply::Reply;
use crate::slack::routes as slack;
use crate::status;
use crate::world::World;

/// The longest body of a request that a door other than Slack's reads, in bytes: a tool call or a form has some hundred.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest body that is read of a request for `path`, in bytes. One byte more is kept, so that the door can say 413.
pub fn max_body(path: &str) -> usize {
    if path.starts_with("/slack/") { slack::MAX_BODY } else { MAX_BODY }
}

/// Two years, as browsers' preload lists ask for (RFC 6797 §6.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Answers a request.
pub async fn route(world: &World, request: Request<Bytes>) -> Reply {
    let Some(origin) = origin(world, &request) else {
        return finish(text(StatusCode::BAD_REQUEST, TEXT, "No host was named.\n").into(), false);
    };
    let secure = origin.scheme() == "https";
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();

    let too_long = request.body().len() > max_body(&path);
    let mut reply = match (&method, segments.as_slice()) {
        // The other doors say it themselves, in their own format.
        (&Method::POST, ["connect", _] | ["account"] | ["oauth", "authorize"]) if too_long => {
            text(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "The form is longer than 64 KiB.\n").into()
        }
        (&Method::POST, ["oauth", "token" | "revoke"]) if too_long => {
            text(StatusCode::PAYLOAD_TOO_LARGE, "application/json", TOO_LONG_ERROR).into()
        }
        (&Method::POST, ["slack", "events"]) => slack::events(world, request, &origin).await,
        (&Method::POST, ["slack", "commands"]) => slack::commands(world, request, &origin).await,
        (&Method::POST, ["slack", "interactions"]) => slack::interactions(world, request, &origin).await,
        (_, ["slack", "events" | "commands" | "interactions"]) => {
            with_allow(text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Slack sends POST here.\n"), "POST")
        }

        (&Method::GET, ["connect", ticket]) => page(connect::show(world, ticket, &request).await),
        (&Method::POST, ["connect", ticket]) => connect::submit(world, ticket, &request, &origin).await.into(),
        (_, ["connect", _]) => not_allowed(&[Method::GET, Method::HEAD, Method::POST]),
        (&Method::GET, ["api", "oauth", "callback", "sentry"]) => page(callback::callback(world, &request).await),
        (&Method::GET, ["oauth", "authorize"]) => authorize::show(world, &request, &origin).await.into(),
        (&Method::POST, ["oauth", "authorize"]) => authorize::submit(world, &request, &origin).await.into(),
        (_, ["oauth", "authorize"]) => not_allowed(&[Method::GET, Method::HEAD, Method::POST]),
        (&Method::GET, ["oauth", "callback"]) => match account::returned(world, &request).await {
            Some(response) => response.into(),
            None => approved::callback(world, &request, &origin).await.into(),
        },
        (&Method::GET, ["account"]) => account::show(world, &request, &origin).await.into(),
        (&Method::POST, ["account"]) => account::submit(world, &request, &origin).await.into(),
        (_, ["account"]) => not_allowed(&[Method::GET, Method::HEAD, Method::POST]),
        (_, ["oauth", "register" | "token" | "revoke"])
        | (_, [".well-known", "oauth-authorization-server" | "oauth-protected-resource", ..]) => {
            match provider::answer(world, &request, &origin).await {
                Some(response) => response.into(),
                None => page(pages::not_found()),
            }
        }
        (&Method::GET, ["api", "auth", "status"]) => status::auth(world, &request).await.into(),

        (_, ["mcp", rest @ ..]) => mcp::answer(world, request, &origin, rest).await,
        (_, ["sse", rest @ ..]) => sse::answer(world, request, &origin, rest).await,

        (_, [name]) if front::PATHS.contains(name) => {
            front::answer(&world.config, &method, request.headers(), &origin, name).into()
        }
        (&Method::GET, ["health"]) => status::health(world).into(),
        (_, ["api", "auth", "status"]) => {
            with_allow(text(StatusCode::METHOD_NOT_ALLOWED, "application/json", METHOD_ERROR), "GET, HEAD")
        }
        (_, ["health"] | ["api", "oauth", "callback", "sentry"] | ["oauth", "callback"]) => {
            not_allowed(&[Method::GET, Method::HEAD])
        }
        _ => page(pages::not_found()),
    };
    if let ["oauth", "authorize" | "callback"] = segments.as_slice() {
        pages::keep_opener(reply.response.headers_mut());
    }
    finish(reply, secure)
}

const TEXT: &str = "text/plain; charset=utf-8";
const TOO_LONG_ERROR: &str = r#"{"error":"invalid_request","error_description":"The body is longer than 64 KiB."}"#;
const METHOD_ERROR: &str = r#"{"error":"method_not_allowed","error_description":"Use GET."}"#;

/// The public origin: `BASE_URL`, else the request's own.
fn origin(world: &World, request: &Request<Bytes>) -> Option<Url> {
    if let Ok(Some(base)) = &world.config.base_url {
        return Some(base.clone());
    }
    let mut url = Url::parse(&request.uri().to_string()).ok()?;
    url.host_str()?;
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

fn page(page: Page) -> Reply {
    page.into_response().into()
}

fn not_allowed(allowed: &[Method]) -> Reply {
    page(pages::method_not_allowed(allowed))
}

/// A 405 in the format of a door that is no browser's.
fn with_allow(mut response: Response<Bytes>, allow: &'static str) -> Reply {
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response.into()
}

fn text(status: StatusCode, content_type: &'static str, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn finish(mut reply: Reply, secure: bool) -> Reply {
    let headers = reply.response.headers_mut();
    pages::security_headers(headers);
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    reply
}
