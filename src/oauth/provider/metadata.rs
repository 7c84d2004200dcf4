//! What clients read first: RFC 8414 about the authorization server, RFC 9728 about the protected resource.
//!
//! The server's issuer is the origin, so its metadata is at `/.well-known/oauth-authorization-server` and nowhere else: at
//! `…/oauth-authorization-server/mcp` it would have to name the issuer `…/mcp` (RFC 8414 §3.3), which is not the one that comes
//! back with codes (RFC 9207). Clients that look there first go on to the root when they find nothing. The resource's metadata is at `/.well-known/oauth-protected-resource/mcp[/<organization>[/<project>]]`, and there is one for each
//! path that is a resource and for no other.

use serde_json::{Value, json};

use crate::sessions::terms::{Limit, all_scopes, reading_scopes};

/// The authorization server (RFC 8414 §2). `origin` has no slash at the end.
pub fn authorization_server(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/oauth/authorize"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "registration_endpoint": format!("{origin}/oauth/register"),
        "revocation_endpoint": format!("{origin}/oauth/revoke"),
        "scopes_supported": all_scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
    })
}

/// Some clients take the first for one whose id is the address of its description, and that is a public one.
const AUTH_METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// The protected resource at `limit`'s path (RFC 9728 §2). It names the scopes that a client is to ask for at first: those that
/// read (P25).
pub fn protected_resource(origin: &str, limit: &Limit) -> Value {
    json!({
        "resource": format!("{origin}{}", limit.path()),
        "resource_name": "Vedette",
        "authorization_servers": [origin],
        "scopes_supported": reading_scopes(),
        "bearer_methods_supported": ["header"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://vedette.example.com";

    #[test]
    fn the_server_names_itself_and_its_endpoints_cases_1_to_5() {
        let metadata = authorization_server(ORIGIN);
        assert_eq!(metadata["issuer"], ORIGIN);
        for endpoint in ["authorization", "token", "registration", "revocation"] {
            let url = metadata[format!("{endpoint}_endpoint")].as_str().unwrap();
            assert!(url.starts_with(&format!("{ORIGIN}/oauth/")), "{url}");
        }
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(metadata["response_types_supported"], json!(["code"]));
        assert_eq!(metadata["response_modes_supported"], json!(["query"]));
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(metadata["client_id_metadata_document_supported"], true, "case 121");
        let methods = &metadata["token_endpoint_auth_methods_supported"];
        assert_eq!(
            *methods,
            json!(["none", "client_secret_basic", "client_secret_post"]),
            "the first is the usual one"
        );
    }

    #[test]
    fn a_resource_names_its_whole_path_and_its_server_cases_7_10() {
        for path in ["/mcp", "/mcp/globex", "/mcp/globex/api"] {
            let metadata = protected_resource(ORIGIN, &Limit::from_path(path).unwrap());
            assert_eq!(metadata["resource"], format!("{ORIGIN}{path}"));
            assert_eq!(metadata["authorization_servers"], json!([ORIGIN]));
            assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
            assert_eq!(metadata["scopes_supported"], json!(["event:read", "org:read", "project:read", "team:read"]));
        }
    }
}
