//! Cloudflare's Rate Limiting bindings.

use async_trait::async_trait;
use worker::Env;

use crate::ports::{Limiter, LimiterError};

/// The bindings, by name.
pub struct Bindings(pub Env);

#[async_trait(?Send)]
impl Limiter for Bindings {
    async fn allows(&self, name: &str, key: &str) -> Result<bool, LimiterError> {
        let failed = |error: worker::Error| LimiterError(error.to_string());
        let limiter = self.0.rate_limiter(name).map_err(failed)?;
        limiter.limit(key.to_owned()).await.map(|outcome| outcome.success).map_err(failed)
    }
}
