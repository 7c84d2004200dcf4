//! From outcomes to what a client on the other end of the socket really sees.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep};
use vedette_sandbox::{Exchange, Outcome};

/// Nothing that is sent to the sandbox is longer.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// The first half of a truncated body is on its way before the connection closes.
const BEFORE_THE_CUT: Duration = Duration::from_millis(30);

/// The connection closes here.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

/// A body that comes whole, or half and then the cut.
enum Answer {
    Whole(Full<Bytes>),
    Half { first: Option<Bytes>, pause: Pin<Box<Sleep>> },
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Answer::Whole(body) => Pin::new(body).poll_frame(task).map_err(|never: Infallible| match never {}),
            Answer::Half { first, pause } => match first.take() {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                None => pause.as_mut().poll(task).map(|()| Some(Err(Cut))),
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Whole(body) => body.size_hint(),
            Answer::Half { .. } => SizeHint::default(),
        }
    }
}

/// Accepts connections for ever, and answers what comes over them with `answer`.
pub(super) async fn listen<A, F>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Bytes>) -> F + Clone + Send + 'static,
    F: Future<Output = Exchange> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let answer = answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Cut)?.to_bytes();
                show(answer(Request::from_parts(head, body)).await).await
            }
        });
        tokio::spawn(async move {
            let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn show(exchange: Exchange) -> Result<Response<Answer>, Cut> {
    sleep(Duration::from_millis(exchange.delay_ms)).await;
    match exchange.outcome {
        Outcome::Respond(response) => Ok(response.map(|body| Answer::Whole(Full::new(body)))),
        Outcome::Truncate(response) => Ok(halved(response)),
        Outcome::Drop => Err(Cut),
        Outcome::Hang => std::future::pending().await,
    }
}

fn halved(response: Response<Bytes>) -> Response<Answer> {
    let length = response.body().len();
    let half =
        |body: Bytes| Answer::Half { first: Some(body.slice(..length / 2)), pause: Box::pin(sleep(BEFORE_THE_CUT)) };
    let mut response = response.map(half);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
