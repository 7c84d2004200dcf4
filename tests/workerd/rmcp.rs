//! The official Rust client (`rmcp`) with its own OAuth, in both eras. The test does for it what a host must: keep the
//! credentials, and open the browser.

use std::error::Error;

use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationManager, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::{AuthRequiredError, StreamableHttpClientTransportConfig};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::json;

use crate::browser::Browser;
use crate::rig::Rig;

const REDIRECT: &str = "http://127.0.0.1:3118/callback";

type Client = RunningService<RoleClient, ()>;
type Http = AuthClient<reqwest::Client>;

/// Connects with what `http` has of credentials.
async fn connect(endpoint: &str, http: Http, mode: &ClientLifecycleMode) -> Result<Client, String> {
    let config = StreamableHttpClientTransportConfig::with_uri(endpoint.to_owned());
    let transport = StreamableHttpClientTransport::with_client(http, config);
    ().serve_with_lifecycle(transport, mode.clone()).await.map_err(|error| {
        assert!(error.is_authorization_required(), "{error:?}");
        error.auth_challenge().unwrap_or_default().to_owned()
    })
}

/// Sends the person through the browser, as the challenge of a refusal demands.
async fn authorize(rig: &Rig, endpoint: &str, challenge: &str) -> AuthorizationManager {
    let mut state = OAuthState::new(endpoint, None).await.unwrap();
    let request = AuthorizationRequest::new(REDIRECT).with_client_name("rmcp").with_challenge(challenge);
    state.start_authorization(request).await.unwrap();
    let url = state.get_authorization_url().await.unwrap();
    let back = Browser::new(rig).let_in(&url, "ada@example.com", &["inspect"]);
    state.handle_callback_url(&back).await.unwrap();
    state.into_authorization_manager().unwrap()
}

async fn whoami(client: &Client) -> Result<String, ServiceError> {
    let result = client.call_tool(CallToolRequestParams::new("whoami")).await?;
    Ok(serde_json::to_string(&result.content).unwrap())
}

/// The challenge that a call was refused with.
fn challenge_of(refused: &ServiceError) -> Option<String> {
    let ServiceError::TransportSend(error) = refused else { return None };
    let mut source: Option<&(dyn Error + 'static)> = Some(error.error.as_ref());
    while let Some(error) = source {
        if let Some(required) = error.downcast_ref::<AuthRequiredError>() {
            return Some(required.www_authenticate_header.clone());
        }
        source = error.source();
    }
    None
}

/// Connects, is refused, authorizes, lists, calls, refreshes; and the same after the session is revoked.
async fn story(rig: &Rig, mode: ClientLifecycleMode, version: ProtocolVersion) {
    let endpoint = format!("{}/mcp", rig.app);
    let nobody = AuthClient::new(reqwest::Client::new(), AuthorizationManager::new(&endpoint).await.unwrap());
    let challenge = connect(&endpoint, nobody, &mode).await.unwrap_err();
    assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp"), "{challenge}");
    let http = AuthClient::new(reqwest::Client::new(), authorize(rig, &endpoint, &challenge).await);
    let client = connect(&endpoint, http.clone(), &mode).await.unwrap();
    assert_eq!(client.peer_info().unwrap().protocol_version, version);
    let tools = client.list_all_tools().await.unwrap();
    assert!(tools.iter().any(|tool| tool.name == "whoami" && tool.output_schema.is_some()));
    assert!(!client.list_all_prompts().await.unwrap().is_empty());
    assert!(!client.list_all_resource_templates().await.unwrap().is_empty());
    assert!(whoami(&client).await.unwrap().contains("ada@example.com"));
    let mistaken = client.call_tool(CallToolRequestParams::new("get_issue_details")).await.unwrap();
    assert_eq!(mistaken.is_error, Some(true));

    let before = http.get_access_token().await.unwrap();
    http.auth_manager.lock().await.refresh_token().await.unwrap();
    assert_ne!(http.get_access_token().await.unwrap(), before);
    assert!(whoami(&client).await.unwrap().contains("ada@example.com"));

    let (id, tokens) = http.auth_manager.lock().await.get_credentials().await.unwrap();
    let tokens = json!(tokens.unwrap());
    let body = format!("client_id={id}&token={}", tokens["refresh_token"].as_str().unwrap());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let revoked = rig.send("POST", &format!("{}/oauth/revoke", rig.app), &form, body.as_bytes());
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    let refused = whoami(&client).await.unwrap_err();
    let challenge = challenge_of(&refused).unwrap_or_else(|| panic!("{refused:?}"));
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    let http = AuthClient::new(reqwest::Client::new(), authorize(rig, &endpoint, &challenge).await);
    let client = connect(&endpoint, http, &mode).await.unwrap();
    assert!(whoami(&client).await.unwrap().contains("ada@example.com"));
}

#[test]
fn rmcp_connects_lists_calls_and_authorizes_anew_after_revocation_in_both_eras() {
    let rig = Rig::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        story(&rig, ClientLifecycleMode::Initialize, ProtocolVersion::V_2025_11_25).await;
        let newest = ProtocolVersion::V_2026_07_28;
        let mode = ClientLifecycleMode::Discover { preferred_versions: vec![newest.clone()] };
        story(&rig, mode, newest).await;
    });
}
