//! The MCP door over real HTTP: the SDK's types and the caches work in the built Worker.

use serde_json::{Value, json};
use vedette_sandbox::OPERATOR_TOKEN;

use crate::rig::{Answer, Rig};

fn ask(rig: &Rig, path: &str, accept: &str, message: &Value) -> Answer {
    let authorization = format!("Sentry-Bearer {OPERATOR_TOKEN}");
    let headers = [("content-type", "application/json"), ("accept", accept), ("authorization", authorization.as_str())];
    rig.send("POST", &format!("{}{path}", rig.app), &headers, message.to_string().as_bytes())
}

#[test]
fn a_client_with_a_sentry_token_initializes_lists_calls_and_is_limited_to_its_place() {
    let rig = Rig::start();
    let both = "application/json, text/event-stream";
    let request =
        |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let hello = ask(&rig, "/mcp", both, &request("initialize", json!({ "protocolVersion": "2025-11-25" })));
    assert_eq!(hello.json()["result"]["protocolVersion"], "2025-11-25");
    let quiet = ask(&rig, "/mcp", both, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!((quiet.status, quiet.body.as_str()), (202, ""));
    let tools = ask(&rig, "/mcp/globex", both, &request("tools/list", json!({})));
    assert_eq!(tools.json()["result"]["tools"].as_array().map(Vec::len), Some(4), "{}", tools.body);
    let search = json!({ "name": "search_issues", "arguments": { "organizationSlug": "elsewhere" } });
    let found = ask(&rig, "/mcp/globex/checkout-api", "text/event-stream", &request("tools/call", search));
    assert_eq!(found.header("content-type"), Some("text/event-stream"));
    assert!(found.body.starts_with("event: message\ndata: {") && found.body.ends_with("\n\n"), "{}", found.body);
    assert!(found.body.contains("CHECKOUT-API-4F"), "{}", found.body);

    let nobody = rig.send("POST", &format!("{}/mcp", rig.app), &[("content-type", "application/json")], b"{}");
    assert_eq!(nobody.status, 401);
    assert!(
        nobody.header("www-authenticate").is_some_and(|it| it.contains("/.well-known/oauth-protected-resource/mcp"))
    );
    let preflight = rig.send("OPTIONS", &format!("{}/mcp", rig.app), &[("origin", "http://localhost:6274")], b"");
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, Some("http://localhost:6274"))
    );
    assert_eq!(rig.get(&format!("{}/mcp", rig.app), &[]).status, 405);
}
