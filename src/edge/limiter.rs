//! Cloudflare's Rate Limiting bindings.

use std::rc::Rc;

use async_trait::async_trait;
use worker::Env;

use super::binding;
use super::bridge::Exchange;
use crate::ports::{Limiter, LimiterError};

/// The bindings, by name.
pub struct Bindings(pub Rc<Env>);

#[async_trait(?Send)]
impl Limiter for Bindings {
    async fn allows(&self, name: &str, key: &str) -> Result<bool, LimiterError> {
        let limiter = binding(&self.0, name).map_err(LimiterError)?;
        Exchange::limit(&limiter, key).await.map(|over| over.status == 200).map_err(LimiterError)
    }
}
