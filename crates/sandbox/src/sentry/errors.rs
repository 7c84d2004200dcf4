//! What Sentry's API says when it refuses, word for word.

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Method, Response};
use serde_json::{Value, json};

use crate::exchange;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    NoCredentials,
    InvalidToken,
    TokenExpired,
    SsoRequired {
        login_url: String,
    },
    TwoFactorRequired,
    NotPermitted,
    NotFound,
    /// No such route at all; the path is told back.
    NoRoute(String),
    BadRequest(String),
    MethodNotAllowed(Method),
    TooMany {
        limit: u32,
    },
}

impl ApiError {
    pub(crate) fn response(&self) -> Response<Bytes> {
        let mut response = exchange::json(self.status(), &self.body());
        if self.status() == 401 {
            exchange::set(&mut response, WWW_AUTHENTICATE, r#"Bearer realm="api""#);
        }
        response
    }

    fn status(&self) -> u16 {
        match self {
            ApiError::NoCredentials
            | ApiError::InvalidToken
            | ApiError::TokenExpired
            | ApiError::SsoRequired { .. }
            | ApiError::TwoFactorRequired => 401,
            ApiError::NotPermitted => 403,
            ApiError::NotFound | ApiError::NoRoute(_) => 404,
            ApiError::BadRequest(_) => 400,
            ApiError::MethodNotAllowed(_) => 405,
            ApiError::TooMany { .. } => 429,
        }
    }

    fn body(&self) -> Value {
        match self {
            ApiError::NoCredentials => detail("Authentication credentials were not provided."),
            ApiError::InvalidToken => detail("Invalid token"),
            ApiError::TokenExpired => detail("Token expired"),
            ApiError::SsoRequired { login_url } => json!({"detail": {
                "code": "sso-required", "message": "Must login via SSO", "extra": {"loginUrl": login_url},
            }}),
            ApiError::TwoFactorRequired => json!({"detail": {
                "code": "2fa-required", "message": "Organization requires two-factor authentication to be enabled",
                "extra": {},
            }}),
            ApiError::NotPermitted => detail("You do not have permission to perform this action."),
            ApiError::NotFound => detail("The requested resource does not exist"),
            ApiError::NoRoute(path) => json!({
                "info": format!("Route not found, did you forget a trailing slash?\n\ntry: {}/", path.trim_end_matches('/')),
            }),
            ApiError::BadRequest(text) => detail(text),
            ApiError::MethodNotAllowed(method) => detail(&format!("Method \"{method}\" not allowed.")),
            ApiError::TooMany { limit } => Value::String(format!(
                "You are attempting to use this endpoint too frequently. Limit is {limit} requests in 1 seconds"
            )),
        }
    }
}

fn detail(text: &str) -> Value {
    json!({"detail": text})
}
