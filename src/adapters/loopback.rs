//! HTTP/1.1 on this machine: a server that hands each request to a function, and a client that asks such a server.
//!
//! **Invariants:** everything is bounded: connections, the size of a body, the time a request takes to arrive and a
//! stop to finish. Nothing is known here of what requests mean.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections that are open at one time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 256;
/// Bytes of a body.
const MOST_BODY: usize = 16 << 20;
/// A request's head, and then its body, may take so long to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// A stop waits so long for requests that are being answered.
const FAREWELL: Duration = Duration::from_secs(3);
/// After a failure to accept a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What becomes of a request: an answer, or the connection's end without one.
pub type Answer = Option<Response<Bytes>>;

/// A bound port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// The handler wants the connection to break.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
struct HungUp;

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("failed to connect to {0}")]
    Connect(String, #[source] io::Error),
    #[error("failed to exchange a request with {0}")]
    Exchange(String, #[source] hyper::Error),
    #[error("the answer of {0} is too long or broke off")]
    Body(String),
}

impl Server {
    /// Binds a port; port 0 takes any free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then finishes what is being answered, for a short while.
    pub async fn serve<F>(
        self,
        handle: impl Fn(Request<Bytes>) -> F + Send + Sync + 'static,
        stop: impl Future<Output = ()>,
    ) where
        F: Future<Output = Answer> + Send + 'static,
    {
        let handle = Arc::new(handle);
        let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let seat = Arc::clone(&seats).acquire_owned();
            let arrival = async {
                let seat = seat.await.expect("the semaphore is never closed");
                (seat, self.listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                () = &mut stop => break,
                arrived = arrival => arrived,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            let handle = Arc::clone(&handle);
            let service = service_fn(move |request| answer(Arc::clone(&handle), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A connection that breaks concerns its client alone.
                let _ = connection.await;
                drop(seat);
            });
        }
        drop(self.listener);
        let _ = timeout(FAREWELL, graceful.shutdown()).await;
    }
}

async fn answer<F>(
    handle: Arc<impl Fn(Request<Bytes>) -> F>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, HungUp>
where
    F: Future<Output = Answer>,
{
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > MOST_BODY as u64 {
        return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let body = Limited::new(body, MOST_BODY).collect();
    let body = match timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(_) => return Ok(refuse(StatusCode::REQUEST_TIMEOUT)),
    };
    let answer = handle(Request::from_parts(head, body)).await;
    answer.map(|response| response.map(Full::new)).ok_or(HungUp)
}

/// The rest of the body is not read, so the connection must end.
fn refuse(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("connection", http::HeaderValue::from_static("close"));
    response
}

/// Asks a server at `host:port` once.
pub async fn ask(address: &str, request: Request<Bytes>) -> Result<Response<Bytes>, AskError> {
    let to = || address.to_owned();
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| AskError::Connect(to(), error))?;
    let io = TokioIo::new(stream);
    let broken = |error| AskError::Exchange(to(), error);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(broken)?;
    let carrying = tokio::spawn(connection);
    let response = sender
        .send_request(request.map(Full::new))
        .await
        .map_err(broken)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST_BODY).collect().await;
    carrying.abort();
    let body = body.map_err(|_| AskError::Body(to()))?.to_bytes();
    Ok(Response::from_parts(head, body))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    /// A server that repeats bodies and hangs up on `/hang`, and what stops it.
    async fn echo() -> (String, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = server.address().to_string();
        let (stop, stopped) = oneshot::channel();
        let handle = |request: Request<Bytes>| async move {
            (request.uri().path() != "/hang").then(|| Response::new(request.into_body()))
        };
        let stopped = async move { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(server.serve(handle, stopped));
        (address, stop, task)
    }

    fn post(path: &str, body: &'static [u8]) -> Request<Bytes> {
        let request = Request::post(path).header("host", "localhost");
        request.body(Bytes::from_static(body)).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_answered_or_hung_up_on() {
        let (address, _stop, _task) = echo().await;
        let answer = ask(&address, post("/", b"hello")).await.unwrap();
        assert_eq!(answer.body().as_ref(), b"hello");
        let hung = ask(&address, post("/hang", b"")).await;
        assert!(matches!(hung, Err(AskError::Exchange(..))), "{hung:?}");
    }

    #[tokio::test]
    async fn a_stop_closes_the_port_and_idle_connections() {
        let (address, stop, task) = echo().await;
        let mut idle = TcpStream::connect(&address).await.unwrap();
        idle.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        let mut first = [0; 16];
        idle.read_exact(&mut first).await.unwrap();
        stop.send(()).unwrap();
        task.await.unwrap();
        let mut rest = vec![];
        idle.read_to_end(&mut rest).await.unwrap();
        assert!(matches!(
            ask(&address, post("/", b"")).await,
            Err(AskError::Connect(..))
        ));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_before_it_is_read() {
        let (address, _stop, _task) = echo().await;
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
            MOST_BODY + 1
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 413");
    }
}
