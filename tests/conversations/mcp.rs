//! The MCP door: both eras on one endpoint, what is refused on the way, and what a connection shows.

use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use vedette_sandbox::OPERATOR_TOKEN;

use crate::world::{APP, Platform, variables};

/// The newest revision.
pub const MODERN: &str = "2026-07-28";

/// One POST, and what came back.
pub struct Post {
    path: String,
    headers: Vec<(String, String)>,
    method: Method,
}

pub fn post(path: &str) -> Post {
    Post { path: path.to_owned(), headers: Vec::new(), method: Method::POST }
        .with("content-type", "application/json")
        .with("accept", "application/json, text/event-stream")
        .with("authorization", &format!("Sentry-Bearer {OPERATOR_TOKEN}"))
}

impl Post {
    pub fn with(self, name: &str, value: &str) -> Post {
        let mut post = self.without(name);
        post.headers.push((name.to_owned(), value.to_owned()));
        post
    }

    pub fn without(mut self, name: &str) -> Post {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn by(self, token: &str) -> Post {
        self.with("authorization", &format!("Sentry-Bearer {token}"))
    }

    pub fn method(self, method: Method) -> Post {
        Post { method, ..self }
    }

    pub fn request(&self, body: &str) -> Request<Bytes> {
        let mut request = Request::builder().method(self.method.clone()).uri(format!("{APP}{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    /// Calls a tool among other work; returns what came back.
    pub async fn calling(self, platform: &Platform, tool: &str, arguments: Value) -> String {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let reply = vedette::router::route(&platform.world(), self.request(&body.to_string())).await;
        String::from_utf8_lossy(reply.response.body()).into_owned()
    }

    pub fn send(&self, platform: &Platform, body: &str) -> Response<Bytes> {
        let response = platform.request(self.request(body));
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(response.headers().contains_key("x-content-type-options"));
        response
    }

    /// A request of an era with `initialize`: the status and the body.
    pub fn ask(&self, platform: &Platform, method: &str, params: Value) -> (u16, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        read(&self.send(platform, &body.to_string()))
    }

    /// A request of 2026-07-28, with all that it must have.
    pub fn modern(self, platform: &Platform, method: &str, mut params: Value) -> (u16, Value) {
        let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut post = self.with("mcp-protocol-version", MODERN).with("mcp-method", method);
        if let Some(name) = name {
            post = post.with("mcp-name", &name);
        }
        post.ask(platform, method, params)
    }

    /// Calls a tool: whether it is an error, its text, and its data.
    pub fn call(&self, platform: &Platform, tool: &str, arguments: Value) -> (bool, String, Value) {
        let (status, body) = self.ask(platform, "tools/call", json!({ "name": tool, "arguments": arguments }));
        assert_eq!(status, 200, "{body}");
        let result = &body["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        (result["isError"] == true, text, result["structuredContent"].clone())
    }
}

pub fn read(response: &Response<Bytes>) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// What in `value` is not as `schema` says; for the words that the schemas here use.
pub fn misfits(value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    let fits = match schema["type"].as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        other => panic!("{other} at {at}"),
    };
    if !fits {
        found.push(format!("{at} is {value}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at} has no {name}"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => misfits(field, schema, &format!("{at}.{name}"), found),
            None if schema["additionalProperties"] == false => found.push(format!("{at} has {name}")),
            None => {}
        }
    }
    for item in value.as_array().into_iter().flatten() {
        misfits(item, &schema["items"], &format!("{at}[]"), found);
    }
}

/// Nothing was stored on behalf of anybody (P17).
pub fn nothing_stored(platform: &Rc<Platform>) {
    assert_eq!(platform.object_names(), Vec::<String>::new());
    assert!(platform.kv.borrow().is_empty());
}

fn initialize(version: &str) -> Value {
    json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } })
}

#[test]
fn a_client_of_2026_07_28_discovers_lists_and_calls_without_a_handshake_p17() {
    let platform = Platform::new();
    let (status, body) = post("/mcp").modern(&platform, "server/discover", json!({}));
    assert_eq!(status, 200);
    let result = &body["result"];
    assert_eq!(result["supportedVersions"], json!([MODERN, "2025-11-25", "2025-06-18", "2025-03-26"]));
    assert_eq!(result["capabilities"], json!({ "tools": {}, "prompts": {}, "resources": {} }));
    assert!(result["instructions"].as_str().unwrap().contains("search_issues"));
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "sentry://globex/issues/CHECKOUT-API-4F" })),
    ] {
        let (status, body) = post("/mcp").modern(&platform, method, params);
        assert_eq!(status, 200, "{method} {body}");
        let result = &body["result"];
        assert_eq!(result["resultType"], "complete", "{method}");
        assert!(result["ttlMs"].is_u64(), "{method}");
        assert_eq!(result["cacheScope"], "private", "{method}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "vedette", "{method}");
    }
    let (status, body) = post("/mcp").modern(&platform, "tools/call", json!({ "name": "whoami", "arguments": {} }));
    assert_eq!((status, &body["result"]["resultType"]), (200, &json!("complete")));
    assert!(body["result"].get("ttlMs").is_none());
    nothing_stored(&platform);
}

#[test]
fn a_client_with_a_handshake_gets_its_version_and_results_in_its_form_p17() {
    let platform = Platform::new();
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let (status, body) = post("/mcp").ask(&platform, "initialize", initialize(version));
        assert_eq!((status, &body["result"]["protocolVersion"]), (200, &json!(version)));
        assert_eq!(body["result"]["serverInfo"]["name"], "vedette");
        let later = post("/mcp").with("mcp-protocol-version", version);
        let said = later.send(&platform, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!((said.status().as_u16(), said.body().len()), (202, 0));
        let unspoken = post("/mcp").with("mcp-protocol-version", "1999-01-01");
        assert_eq!(unspoken.send(&platform, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).status(), 400);
        assert_eq!(later.ask(&platform, "ping", json!({})), (200, json!({ "jsonrpc": "2.0", "id": 1, "result": {} })));
        let (_, body) = later.ask(&platform, "tools/list", json!({}));
        for absent in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            assert!(body["result"].get(absent).is_none(), "{absent}");
        }
    }
    for other in ["2026-07-28", "2024-11-05", "nonsense"] {
        let (_, body) = post("/mcp").ask(&platform, "initialize", initialize(other));
        assert_eq!(body["result"]["protocolVersion"], "2025-11-25", "{other}");
    }
    let (status, body) = post("/mcp").ask(&platform, "no/such", json!({}));
    assert_eq!((status, &body["error"]["code"]), (200, &json!(-32601)));
    let (_, body) = post("/mcp").ask(&platform, "server/discover", json!({}));
    assert_eq!(body["error"]["code"], -32601);
    nothing_stored(&platform);
}

#[test]
fn the_headers_of_2026_07_28_must_say_what_the_body_says() {
    let platform = Platform::new();
    let meta = |version: &str| {
        json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        })
    };
    let call = json!({ "name": "whoami", "arguments": {}, "_meta": meta(MODERN) });
    let good = || {
        post("/mcp").with("mcp-protocol-version", MODERN).with("mcp-method", "tools/call").with("mcp-name", "whoami")
    };
    assert_eq!(good().ask(&platform, "tools/call", call.clone()).0, 200);
    assert_eq!(good().with("mcp-name", "=?base64?d2hvYW1p?=").ask(&platform, "tools/call", call.clone()).0, 200);
    for bad in [
        good().without("mcp-protocol-version"),
        good().with("mcp-protocol-version", "2025-11-25"),
        good().without("mcp-method"),
        good().with("mcp-method", "tools/list"),
        good().without("mcp-name"),
        good().with("mcp-name", "search_issues"),
    ] {
        let (status, body) = bad.ask(&platform, "tools/call", call.clone());
        assert_eq!((status, &body["error"]["code"], &body["id"]), (400, &json!(-32020), &json!(1)), "{body}");
    }
    let (status, body) = post("/mcp").with("mcp-protocol-version", "2099-01-01").ask(
        &platform,
        "tools/list",
        json!({ "_meta": meta("2099-01-01") }),
    );
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(body["error"]["data"]["requested"], "2099-01-01");
    assert_eq!(body["error"]["data"]["supported"][0], MODERN);
    let (status, body) =
        post("/mcp").with("mcp-protocol-version", "2099-01-01").ask(&platform, "tools/list", json!({}));
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32022)));
    for (incomplete, version) in [
        (json!({}), MODERN),
        (json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": MODERN } }), MODERN),
        (json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": 7 } }), MODERN),
    ] {
        let asked = post("/mcp").with("mcp-protocol-version", version).with("mcp-method", "tools/list");
        let (status, body) = asked.ask(&platform, "tools/list", incomplete);
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32602)), "{body}");
    }
    for gone in ["ping", "initialize", "logging/setLevel", "no/such"] {
        let (status, body) = post("/mcp").modern(&platform, gone, json!({}));
        assert_eq!((status, &body["error"]["code"]), (404, &json!(-32601)), "{gone}");
    }
}

#[test]
fn a_client_of_an_earlier_revision_may_set_a_log_level_that_filters_nothing() {
    let platform = Platform::new();
    let answer = post("/mcp").ask(&platform, "logging/setLevel", json!({ "level": "info" }));
    assert_eq!(answer, (200, json!({ "jsonrpc": "2.0", "id": 1, "result": {} })));
    for params in [json!({ "level": "loud" }), json!({})] {
        assert_eq!(post("/mcp").ask(&platform, "logging/setLevel", params).1["error"]["code"], -32602);
    }
}

#[test]
fn a_row_of_messages_is_for_2025_03_26_alone() {
    let platform = Platform::new();
    let row = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 9 } },
        { "jsonrpc": "2.0", "id": "two", "method": "tools/list" },
        { "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": initialize("2025-03-26") },
        7,
    ])
    .to_string();
    for post in [post("/mcp"), post("/mcp").with("mcp-protocol-version", "2025-03-26")] {
        let (status, body) = read(&post.send(&platform, &row));
        assert_eq!(status, 200);
        let answers = body.as_array().unwrap();
        assert_eq!(answers.len(), 4, "{body}");
        assert_eq!((&answers[0]["result"], &answers[1]["id"]), (&json!({}), &json!("two")));
        assert_eq!((&answers[2]["error"]["code"], &answers[3]["error"]["code"]), (&json!(-32600), &json!(-32600)));
    }
    for version in ["2025-06-18", "2025-11-25", MODERN] {
        let (status, body) = read(&post("/mcp").with("mcp-protocol-version", version).send(&platform, &row));
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32600)), "{version}");
    }
    let quiet = post("/mcp").send(&platform, r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#);
    assert_eq!((quiet.status().as_u16(), quiet.body().len()), (202, 0));
}

#[test]
fn the_response_is_json_or_one_event_as_the_client_prefers() {
    let platform = Platform::new();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let json = post("/mcp").send(&platform, ping);
    assert_eq!(json.headers()[header::CONTENT_TYPE], "application/json");
    let events = post("/mcp").with("accept", "text/event-stream").send(&platform, ping);
    assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(events.headers()["x-accel-buffering"], "no");
    assert_eq!(events.body(), "event: message\ndata: {\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{}}\n\n");
    assert_eq!(post("/mcp").with("accept", "text/html").send(&platform, ping).status(), 406);
    assert_eq!(post("/mcp").with("content-type", "text/plain").send(&platform, ping).status(), 415);
    assert_eq!(post("/mcp").without("content-type").send(&platform, ping).status(), 415);
}

#[test]
fn what_is_no_message_is_refused_in_the_doors_own_format() {
    let platform = Platform::new();
    for (body, status, code) in [
        ("", 400, -32700),
        ("{", 400, -32700),
        ("[]", 400, -32600),
        ("7", 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, 400, -32602),
    ] {
        let (got, answer) = read(&post("/mcp").send(&platform, body));
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{body}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0");
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(1024 * 1024));
    assert_eq!(post("/mcp").send(&platform, &long).status(), 413);
    for method in [Method::GET, Method::DELETE, Method::PUT, Method::HEAD] {
        let response = post("/mcp").method(method.clone()).send(&platform, "");
        assert_eq!(
            (response.status().as_u16(), response.headers()[header::ALLOW].to_str().unwrap()),
            (405, "POST, OPTIONS")
        );
    }
    for path in ["/mcp/a/b/c", "/mcp/%2e%2e", "/mcp//x", "/mcp/a%20b"] {
        assert_eq!(post(path).send(&platform, "{}").status(), 404, "{path}");
    }
    nothing_stored(&platform);
}

#[test]
fn who_opens_an_address_in_a_browser_sees_what_it_is_for() {
    let platform = Platform::new();
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
    let open = |path: &str| {
        let response =
            post(path).method(Method::GET).without("authorization").with("accept", browser).send(&platform, "");
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    };
    for (path, said) in [
        ("/mcp", "claude mcp add --transport http sentry https://vedette.example.com/mcp"),
        ("/mcp/", "https://vedette.example.com/mcp<"),
        ("/mcp/globex/checkout-api", "<bdi>globex/checkout-api</bdi> only"),
        ("/mcp?skills=inspect", "This address is for an MCP client"),
        ("/sse", "the older transport"),
        ("/sse/globex", "https://vedette.example.com/mcp/globex"),
    ] {
        let (status, html) = open(path);
        assert!(status == 200 && html.contains(said) && html.contains(r#"href="/"#), "{path}: {html}");
        assert!(!html.contains("jsonrpc"), "{path}: {html}");
    }
    let (status, html) = open("/mcp/a/b/c");
    assert!(status == 404 && html.contains("There is no page here"), "{html}");
    let client = post("/mcp").method(Method::GET).with("accept", "text/event-stream, text/html").send(&platform, "");
    assert_eq!(client.status(), 405, "who takes messages gets one");
    nothing_stored(&platform);
}

#[test]
fn a_page_or_app_of_any_origin_can_call_and_read_over_https() {
    let platform = Platform::new();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let preflight = post("/mcp")
        .method(Method::OPTIONS)
        .without("authorization")
        .with("origin", "http://localhost:6274")
        .with("access-control-request-method", "POST")
        .send(&platform, "");
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "http://localhost:6274");
    assert!(preflight.headers()["access-control-allow-headers"].to_str().unwrap().contains("mcp-protocol-version"));
    assert!(!preflight.headers().contains_key("access-control-allow-credentials"), "no cookie means anything here");
    for refused in [post("/mcp"), post("/mcp").without("authorization")] {
        let response = refused.with("origin", "https://inspector.example").send(&platform, ping);
        assert_eq!(response.headers()["access-control-allow-origin"], "https://inspector.example");
        assert!(response.headers()["access-control-expose-headers"].to_str().unwrap().contains("WWW-Authenticate"));
        assert_eq!(response.headers()["vary"], "Origin");
    }
    for app in ["null", "tauri://localhost", "app://obsidian.md", "vscode-webview://0abc", "http://intranet.example"] {
        for path in ["/mcp", "/sse"] {
            let preflight = post(path).method(Method::OPTIONS).without("authorization").with("origin", app);
            assert_eq!(preflight.send(&platform, "").headers()["access-control-allow-origin"], app, "{path}");
        }
        let response = post("/mcp").with("origin", app).send(&platform, ping);
        assert_eq!(
            (response.status().as_u16(), &response.headers()["access-control-allow-origin"]),
            (200, &app.parse().unwrap())
        );
        assert_eq!(
            post("/mcp").with("origin", app).without("authorization").send(&platform, ping).status(),
            401,
            "{app}"
        );
    }
    for odd in ["https://inspector.example/", "evil", ""] {
        let response = post("/mcp").with("origin", odd).send(&platform, ping);
        assert_eq!(response.status(), 200, "a good token needs no origin: {odd}");
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{odd}");
    }
    let elsewhere = platform.request(
        Request::get(format!("{APP}/health")).header("origin", "https://inspector.example").body(Bytes::new()).unwrap(),
    );
    assert!(!elsewhere.headers().contains_key("access-control-allow-origin"), "closed elsewhere");
}

#[test]
fn a_rebound_name_is_no_origin_of_ours_however_the_server_is_asked_for() {
    let mut variables = variables();
    variables.retain(|(name, _)| *name != "BASE_URL");
    let platform = Platform::with(&variables);
    let asked = |own: &str, path: &str, origin: &str| {
        let mut request = post(path).with("origin", origin).request(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        *request.uri_mut() = format!("{own}{path}").parse().unwrap();
        platform.request(request).status().as_u16()
    };
    for own in ["http://rebound.example:8787", "http://192.168.1.7:8787"] {
        for path in ["/mcp", "/mcp/globex", "/sse"] {
            for origin in [own, "null", "tauri://localhost", "evil"] {
                assert_eq!(asked(own, path, origin), 403, "{own}{path} {origin}");
            }
            assert_eq!(asked("http://localhost:8787", path, own), 403, "{own}{path}");
        }
    }
    for own in ["https://vedette.example.workers.dev", "http://localhost:8787", "http://127.0.0.1:8787"] {
        assert_eq!(asked(own, "/mcp", own), 200, "{own}");
        assert_eq!(asked(own, "/mcp", "tauri://localhost"), 200, "{own}");
    }
}

#[test]
fn a_refusal_has_the_code_that_its_revision_has_for_it() {
    let platform = Platform::new();
    let unknown = post("/mcp").without("authorization");
    assert_eq!(unknown.ask(&platform, "ping", json!({})).1["error"]["code"], -32000);
    let (status, body) = unknown.modern(&platform, "server/discover", json!({}));
    assert_eq!((status, &body["error"]["code"]), (401, &json!(401)), "2026-07-28 has -32000 for older servers");
    let nowhere = post("/mcp/no-such-org").modern(&platform, "tools/list", json!({}));
    assert_eq!((nowhere.0, &nowhere.1["error"]["code"]), (404, &json!(404)));
}

#[test]
fn what_is_null_or_an_empty_cursor_is_left_out_in_every_method() {
    let platform = Platform::new();
    for params in
        [json!(null), json!({ "cursor": null, "_meta": null }), json!({ "cursor": "" }), json!({ "cursor": " " })]
    {
        for method in ["ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            let (status, body) = post("/mcp").ask(&platform, method, params.clone());
            assert!(status == 200 && body["result"].is_object(), "{method} {params}: {body}");
        }
    }
    let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#;
    assert_eq!(post("/mcp").send(&platform, body).status(), 202);
    let nothing = json!({ "name": "whoami", "arguments": null, "_meta": null });
    assert_eq!(post("/mcp").ask(&platform, "tools/call", nothing).1["result"]["isError"], false);
    let whole = json!({ "name": "whats_on_fire", "arguments": { "organization": "", "project": null } });
    let (_, body) = post("/mcp").ask(&platform, "prompts/get", whole);
    let text = body["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("Find out what needs attention in Sentry now."), "{text}");
    let blank = json!({ "name": "investigate_issue", "arguments": { "issue": " " } });
    assert_eq!(post("/mcp").ask(&platform, "prompts/get", blank).1["error"]["message"], "`issue` is missing.");
    let given_out = post("/mcp").ask(&platform, "tools/list", json!({ "cursor": "x" }));
    assert_eq!(given_out.1["error"]["code"], -32602);
}

#[test]
fn the_tools_are_listed_as_clients_will_read_them() {
    let platform = Platform::new();
    let (_, body) = post("/mcp").modern(&platform, "tools/list", json!({}));
    let (_, again) = post("/mcp").modern(&platform, "tools/list", json!({}));
    assert_eq!(body, again, "the order is always the same");
    let mut tools = body["result"]["tools"].clone();
    let schema = tools[0]["outputSchema"].take();
    for tool in tools.as_array_mut().unwrap() {
        tool.as_object_mut().unwrap().remove("outputSchema");
    }
    insta::assert_snapshot!("mcp_tools", serde_json::to_string_pretty(&tools).unwrap());
    insta::assert_snapshot!("mcp_output_schema", serde_json::to_string_pretty(&schema).unwrap());
}

#[test]
fn prompts_are_listed_and_filled_in() {
    let platform = Platform::new();
    let (_, body) = post("/mcp").ask(&platform, "prompts/list", json!({}));
    let names: Vec<&str> =
        body["result"]["prompts"].as_array().unwrap().iter().map(|prompt| prompt["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["investigate_issue", "whats_on_fire", "what_changed"]);
    let get = |name: &str, arguments: Value| {
        post("/mcp").ask(&platform, "prompts/get", json!({ "name": name, "arguments": arguments })).1
    };
    let body = get("investigate_issue", json!({ "issue": "CHECKOUT-API-4F", "organization": "globex" }));
    let text = body["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("Investigate the Sentry issue CHECKOUT-API-4F in globex."), "{text}");
    let body = get("what_changed", json!({}));
    assert!(body["result"]["messages"][0]["content"]["text"].as_str().unwrap().contains("`firstRelease:latest`"));
    for bad in [
        get("investigate_issue", json!({})),
        get("no_such", json!({})),
        get("investigate_issue", json!({ "issue": 7 })),
    ] {
        assert_eq!(bad["error"]["code"], -32602);
    }
}
