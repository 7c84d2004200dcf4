//! The sockets around the library.
//!
//! | Port | Path | Answer |
//! |---|---|---|
//! | Slack | `/`, `/page/*` | the page |
//! | Slack | `/sandbox/say`, `slash`, `click`, `open`, `event` | does it, delivers it, and tells how that went |
//! | Slack | `/sandbox/changes?since=V` | waits up to 25 s for a newer version |
//! | Slack | `/sandbox/*` | the library's controls |
//! | Slack | everything else | the fake Slack |
//! | Sentry | `/sandbox/health` | that all is well |
//! | Sentry | everything else | the fake Sentry |

mod arguments;
mod controls;
mod courier;
mod page;
mod sockets;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri};
use tokio::net::TcpListener;
use vedette_sandbox::{Exchange, Options, Sandbox};

pub use self::arguments::{Arguments, USAGE};
use self::courier::Courier;

/// What both listeners share.
struct Server {
    sandbox: Sandbox,
    courier: Courier,
}

/// The time, in milliseconds since the Unix epoch.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Listens until it is told to end.
///
/// # Errors
/// One sentence for a person, when a port cannot be had.
pub async fn run(arguments: Arguments) -> Result<(), String> {
    let slack = bind(arguments.port, "--port").await?;
    let sentry = bind(arguments.sentry_port, "--sentry-port").await?;
    let origin = |listener: &TcpListener| {
        listener.local_addr().map(|address| format!("http://{address}")).map_err(|error| error.to_string())
    };
    let options = Options { slack_origin: origin(&slack)?, sentry_origin: origin(&sentry)?, ..arguments.options };
    let ready = format!("ready slack={} sentry={}", options.slack_origin, options.sentry_origin);
    let courier = Courier::new().map_err(|error| error.to_string())?;
    let server = Arc::new(Server { sandbox: Sandbox::new(options), courier });

    let at_slack = {
        let server = Arc::clone(&server);
        move |request| Arc::clone(&server).slack(request)
    };
    let at_sentry = move |request| Arc::clone(&server).sentry(request);
    tokio::spawn(sockets::listen(slack, at_slack));
    tokio::spawn(sockets::listen(sentry, at_sentry));
    println!("{ready}");
    told_to_end(arguments.with_parent).await
}

async fn bind(port: u16, flag: &str) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!("Port {port} is in use: choose another with {flag}."),
        _ => format!("Port {port} cannot be opened: {error}."),
    })
}

/// SIGINT, SIGTERM, or (with `with_parent`) the end of standard input.
async fn told_to_end(with_parent: bool) -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let (gone, parent) = tokio::sync::oneshot::channel();
    if with_parent {
        // A thread of its own: the runtime would wait for a blocked read before it ends.
        std::thread::spawn(move || {
            let _ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _told = gone.send(());
        });
    } else {
        std::mem::forget(gone);
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = parent => {}
    }
    Ok(())
}

/// The header with the address that the app meant, when a proxy of a test rig brought the request here.
const MEANT: &str = "x-sandbox-url";

impl Server {
    async fn slack(self: Arc<Self>, request: Request<Bytes>) -> Exchange {
        let path = request.uri().path().to_owned();
        if path == "/app_redirect" {
            return Exchange::respond(page::app_redirect(request.uri().query()));
        }
        if let Some(asset) = page::asset(&path) {
            return Exchange::respond(asset);
        }
        if path.starts_with("/sandbox/") {
            return Exchange::respond(controls::answer(&self, request).await);
        }
        let exchange = self.world(request, &self.sandbox.options().slack_origin);
        for echo in self.sandbox.take_echoes() {
            Arc::clone(&self).deliver_later(echo, now_ms());
        }
        exchange
    }

    async fn sentry(self: Arc<Self>, request: Request<Bytes>) -> Exchange {
        match request.uri().path() {
            "/favicon.ico" => Exchange::respond(status(204)),
            "/sandbox/health" => Exchange::respond(self.sandbox.control(request, now_ms())),
            _ => self.world(request, &self.sandbox.options().sentry_origin),
        }
    }

    /// The library's answer to a request that came in at `origin`.
    fn world(&self, mut request: Request<Bytes>, origin: &str) -> Exchange {
        // A proxy in front of the app names the address that the app meant, such as one at the hosted services.
        let meant = request.headers_mut().remove(MEANT).and_then(|url| url.to_str().map(str::to_owned).ok());
        let address = meant.unwrap_or_else(|| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            format!("{origin}{path}")
        });
        let Ok(uri) = address.parse::<Uri>() else { return Exchange::respond(status(400)) };
        *request.uri_mut() = uri;
        self.sandbox.handle(request, now_ms())
    }
}

/// A response without a body.
fn status(code: u16) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}
