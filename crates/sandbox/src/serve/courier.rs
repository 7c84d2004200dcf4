//! Carries Slack's requests to the app: three seconds for an answer, retries when they are due.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vedette_sandbox::{Delivery, Failure};

use super::{Server, now_ms};

/// Slack waits this long for an acknowledgment.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Courier {
    client: reqwest::Client,
}

/// How a delivery went.
pub(super) struct Report {
    status: Option<u16>,
    took: Duration,
}

impl Report {
    pub(super) fn json(&self) -> Value {
        json!({"status": self.status, "ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX)})
    }
}

impl Courier {
    pub(super) fn new() -> Result<Courier, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build()?;
        Ok(Courier { client })
    }

    async fn carry(&self, delivery: Delivery) -> Result<Response<Bytes>, Failure> {
        let failure = |error: reqwest::Error| if error.is_timeout() { Failure::Timeout } else { Failure::Connection };
        let request = reqwest::Request::try_from(delivery.request).map_err(failure)?;
        let answer = self.client.execute(request).await.map_err(failure)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(answer.bytes().await.map_err(failure)?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl Server {
    /// Makes a delivery, tells the sandbox how it went, and sees to the retries.
    pub(super) async fn deliver(self: Arc<Self>, delivery: Delivery) -> Report {
        let (id, started) = (delivery.id, Instant::now());
        let outcome = self.courier.carry(delivery).await;
        let report = Report {
            status: outcome.as_ref().ok().map(|response| response.status().as_u16()),
            took: started.elapsed(),
        };
        let retries = match &outcome {
            Ok(response) => self.sandbox.delivered(now_ms(), id, Some(response)),
            Err(failure) => self.sandbox.undelivered(now_ms(), id, *failure),
        };
        for (due_ms, retry) in retries {
            Arc::clone(&self).deliver_later(retry, due_ms);
        }
        report
    }

    /// Makes a delivery when it is due, while others go on.
    pub(super) fn deliver_later(self: Arc<Self>, delivery: Delivery, due_ms: i64) {
        let pause = u64::try_from(due_ms.saturating_sub(now_ms())).unwrap_or(0);
        // Boxed, because a delivery may bring about another.
        let later: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            sleep(Duration::from_millis(pause)).await;
            self.deliver(delivery).await;
        });
        tokio::spawn(later);
    }
}
