//! What clients read first: RFC 8414 about the authorization server, RFC 9728 about the protected resource.
//!
//! The server's metadata is the same at the root and under the path of each resource, where some clients look
//! (`/.well-known/oauth-authorization-server/mcp`); its issuer is the origin, which is where RFC 8414 §3.3 leads from. The
//! resource's metadata is at `/.well-known/oauth-protected-resource/mcp[/<organization>[/<project>]]`, and there is one for each
//! path that is a resource and for no other.

use serde_json::{Value, json};

use crate::sessions::terms::{Limit, all_scopes};

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

const AUTH_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// The protected resource at `limit`'s path (RFC 9728 §2).
pub fn protected_resource(origin: &str, limit: &Limit) -> Value {
    json!({
        "resource": format!("{origin}{}", limit.path()),
        "resource_name": "Vedette",
        "authorization_servers": [origin],
        "scopes_supported": all_scopes(),
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
    }

    #[test]
    fn a_resource_names_its_whole_path_and_its_server_cases_7_10() {
        for path in ["/mcp", "/mcp/globex", "/mcp/globex/api"] {
            let metadata = protected_resource(ORIGIN, &Limit::from_path(path).unwrap());
            assert_eq!(metadata["resource"], format!("{ORIGIN}{path}"));
            assert_eq!(metadata["authorization_servers"], json!([ORIGIN]));
            assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
            assert!(!metadata["scopes_supported"].as_array().unwrap().contains(&json!("offline_access")));
        }
    }
}
