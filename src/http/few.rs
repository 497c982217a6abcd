//! A listener of few connections: so many at a time, and none that says nothing for a minute. Who comes when there is no place waits in the
//! backlog of the socket.

use crate::telemetry::metric;
use axum::serve::Listener;
use metrics::gauge;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// A peer that neither sends nor takes anything for so long loses its place. Prometheus comes back by itself.
const SILENCE: Duration = Duration::from_secs(60);

/// The listener.
#[derive(Debug)]
pub(super) struct Few {
    listener: TcpListener,
    places: Arc<Semaphore>,
    silence: Duration,
}

impl Few {
    pub(super) fn new(listener: TcpListener, places: usize) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))), silence: SILENCE }
    }
}

impl Listener for Few {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("places are never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        gauge!(metric::PAGES_LINKS).increment(1.0);
        (Guest { stream, silence: self.silence, over: Box::pin(tokio::time::sleep(self.silence)), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection, and its place.
#[derive(Debug)]
pub(super) struct Guest {
    stream: TcpStream,
    silence: Duration,
    /// When the silence is over.
    over: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Guest {
    fn drop(&mut self) {
        gauge!(metric::PAGES_LINKS).decrement(1.0);
    }
}

impl Guest {
    /// What came of a poll: something, and the silence begins anew; or nothing, and it may be over.
    fn heard<T>(&mut self, poll: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            let silence = self.silence;
            self.over.as_mut().reset(Instant::now() + silence);
            return poll;
        }
        ready!(self.over.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.heard(poll, context)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heard(poll, context)
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
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn play(story: impl AsyncFnOnce(Few, TcpStream, TcpStream)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
            let address = listener.local_addr().expect("bound");
            let connect = async || TcpStream::connect(address).await.expect("connected");
            story(Few::new(listener, 1), connect().await, connect().await).await;
        });
    }

    #[test]
    fn who_comes_when_there_is_no_place_waits_until_one_goes() {
        play(async |mut few, _one, _other| {
            let (first, _) = few.accept().await;
            assert!(few.accept().now_or_never().is_none(), "no place");
            drop(first);
            few.accept().await;
        });
    }

    #[test]
    fn a_peer_that_says_nothing_for_long_is_let_go_of() {
        play(async |mut few, mut one, _other| {
            few.silence = Duration::from_millis(300);
            let (mut guest, _) = few.accept().await;
            one.write_all(b"x").await.expect("sent");
            let mut byte = [0];
            guest.read_exact(&mut byte).await.expect("heard");
            let silent = guest.read_exact(&mut byte).await.expect_err("nothing more");
            assert_eq!(silent.kind(), io::ErrorKind::TimedOut);
        });
    }
}
