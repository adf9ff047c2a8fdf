//! HTTP connections: what stands between the listener and the router. A client that stops in the middle, by a bad link or
//! on purpose, must not hold its connection for ever: neither while it sends a request's head nor while it is to take in
//! an answer. Silence within a request's body is the business of whoever reads that body.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use market::PeerAddress;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tower::ServiceExt as _;

/// How long a connection may wait for the whole head of a request, the first or the next one. Clients keep idle
/// connections for at most 90 s, and are to be the ones who close them.
const HEAD_MAX: Duration = Duration::from_secs(120);
/// How long an answer may wait for the client to take in any of it. Devices on poor links resend lost packets for up to
/// about a minute.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Pause after a connection could not be accepted, mostly for want of file descriptors: others must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bytes that a connection collects before it writes them, and thereby the longest head of a request. One piece of a blob is
/// as much as that: with hyper's own 400 KiB, pieces have left the processor's cache before they are sent.
const BUFFER_BYTES: usize = 64 << 10;

/// What a client is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    head: Duration,
    silence: Duration,
}

/// Serves until `stop` is ready, then lets requests in flight end.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_with(listener, router, stop, Patience { head: HEAD_MAX, silence: SILENCE_MAX }).await;
}

async fn serve_with(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    patience: Patience,
) {
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, PeerAddress(peer.ip())),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are written as a whole, so there is nothing to wait for before sending.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(Impatient { stream, silence: patience.silence, waiting: None });
        let told = move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request
        };
        let service = TowerToHyperService::new(router.clone().map_request(told));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(io, service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // Whatever broke the connection, there is nobody left to tell.
            let _ = connection.await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// A connection whose writing fails when the client takes nothing in for too long.
struct Impatient {
    stream: TcpStream,
    silence: Duration,
    /// Since the first write that had to wait.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let silence = self.silence;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(silence)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use std::sync::Arc;
    use std::time::Instant;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    const SHORT: Patience =
        Patience { head: Duration::from_millis(300), silence: Duration::from_millis(300) };
    /// A ceiling, not a measure: the machine may be busy.
    const CEILING: Duration = Duration::from_secs(60);

    async fn started(
        router: Router,
    ) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = serve_with(listener, router, async { drop(stopped.await) }, SHORT);
        (address, stop, tokio::spawn(server))
    }

    async fn within<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(CEILING, future).await.expect("it ends")
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_given_up() {
        let (address, _stop, _server) = started(Router::new().route("/", get(|| async { "yes" }))).await;
        for begun in ["", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let began = Instant::now();
            // Closed with or without a word of refusal.
            let _ = within(stream.read_to_end(&mut answer)).await;
            assert!(began.elapsed() < CEILING);
            assert!(!answer.ends_with(b"yes"));
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.ends_with("yes"), "{answer}");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_in_is_given_up() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let endless = move || {
            let held = Arc::clone(&held);
            let pieces = futures_util::stream::repeat_with(move || {
                let _held = &held;
                Ok::<_, io::Error>(vec![0; 1 << 16])
            });
            async { Body::from_stream(pieces) }
        };
        let (address, _stop, _server) = started(Router::new().route("/", get(endless))).await;
        let before = Arc::strong_count(&alive);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut first = [0; 16];
        within(stream.read_exact(&mut first)).await.unwrap();
        assert!(Arc::strong_count(&alive) > before, "it is being sent");
        within(async {
            while Arc::strong_count(&alive) > before {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_request_in_flight_ends_before_the_server_does() {
        let slow = || async {
            sleep(Duration::from_millis(400)).await;
            "done"
        };
        let (address, stop, server) = started(Router::new().route("/", get(slow))).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stop.send(()).unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        within(server).await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
