//! Sockets ⇄ links: thin hands. One thread, one runtime; every connection reads through one scratch buffer and holds nothing
//! while it is idle. If something here needs an `if` about HJ 212, it belongs to `link`.
//!
//! Limits: connections in all and per peer, bytes per second and connection, rejected items per peer and minute. Who waits:
//! when the open batch is full, connections stop reading.

mod connection;
mod peers;

pub use peers::PeerLimits;

use crate::domain::Mn;
use crate::engine::Body;
use crate::link::{Admissions, Limits, Settled};
use crate::pipeline::clock::ArrivalClock;
use crate::pipeline::intake::{Intake, Item};
use crate::telemetry::metric;
use arc_swap::ArcSwap;
use connection::{Switchboard, Writer};
use metrics::{counter, gauge};
use peers::Peers;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

/// What the listener is given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of this process in entries.
    pub gateway: Arc<str>,
    /// Stamps arrivals.
    pub clock: ArrivalClock,
    /// Connections in all.
    pub connections_max: usize,
    /// Per peer.
    pub peer: PeerLimits,
    /// Per link.
    pub link: Limits,
    /// Bytes that one connection may send in a second; above it, it is not read until the next.
    pub bytes_per_sec_max: usize,
}

/// Shared by all connections of the thread.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) settings: Settings,
    pub(crate) intake: Arc<Intake>,
    pub(crate) admissions: Arc<ArcSwap<Admissions>>,
    pub(crate) switchboard: RefCell<Switchboard>,
    pub(crate) peers: RefCell<Peers>,
    pub(crate) scratch: RefCell<Vec<u8>>,
    pub(crate) began: Instant,
    /// Conversations that still read.
    pub(crate) talking: Cell<usize>,
}

impl House {
    /// Milliseconds of the monotonic clock since the house was opened.
    #[allow(clippy::disallowed_methods)] // Time-outs run on the monotonic clock.
    pub(crate) fn now_ms(&self) -> u64 {
        Instant::now().duration_since(self.began).as_millis() as u64
    }

    /// One log line per peer and reason in a minute; the counters have them all.
    pub(crate) fn complain(&self, peer: SocketAddr, reason: &'static str, mn: Option<Mn>, detail: &str) {
        if self.peers.borrow_mut().may_speak(peer.ip(), reason, self.now_ms()) {
            let mn = mn.map(|mn| mn.to_string()).unwrap_or_default();
            tracing::warn!(%peer, mn, reason, detail, "not a packet that can be taken");
        }
    }

    pub(crate) fn push(&self, body: Body) {
        self.intake.push(self.settings.clock.now(), Item::Entry(body), None);
    }
}

/// Runs the listener until `stop` turns true; then no connection is accepted or read any more, and answers still go out until
/// the sender of `answers` is dropped. Call it on a thread of its own.
///
/// # Errors
/// The runtime cannot be built.
#[allow(clippy::disallowed_methods)] // The monotonic clock begins here.
pub fn run(
    listener: std::net::TcpListener,
    settings: Settings,
    intake: Arc<Intake>,
    admissions: Arc<ArcSwap<Admissions>>,
    answers: mpsc::Receiver<Vec<Settled>>,
    stop: watch::Receiver<bool>,
    stopped: Arc<tokio::sync::Notify>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    gauge!(metric::LINKS_MAX).set(settings.connections_max as f64);
    let house = Rc::new(House {
        peers: RefCell::new(Peers::new(settings.peer)),
        settings,
        intake,
        admissions,
        switchboard: RefCell::new(Switchboard::default()),
        scratch: RefCell::new(vec![0; 64 * 1024]),
        began: Instant::now(),
        talking: Cell::new(0),
    });
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let paying = tokio::task::spawn_local(pay(Rc::clone(&house), answers));
        accept(&house, &listener, stop.clone()).await;
        // Connections see `stop` themselves; each says goodbye with an entry.
        while house.talking.get() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stopped.notify_one();
        let _ = paying.await;
        Ok(())
    })
}

async fn accept(house: &Rc<House>, listener: &TcpListener, mut stop: watch::Receiver<bool>) {
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                number += 1;
                open(house, stream, peer, number, stop.clone());
            }
            Err(error) => {
                // Out of descriptors, most likely: the backlog waits, and so do we.
                counter!(metric::LINKS_REFUSED, "limit" => "accept").increment(1);
                tracing::warn!(%error, "cannot accept a connection; trying again in 100 ms");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn open(house: &Rc<House>, stream: TcpStream, peer: SocketAddr, number: u64, stop: watch::Receiver<bool>) {
    if house.switchboard.borrow().len() >= house.settings.connections_max {
        counter!(metric::LINKS_REFUSED, "limit" => "connections").increment(1);
        return;
    }
    if !house.peers.borrow_mut().admit(peer.ip()) {
        counter!(metric::LINKS_REFUSED, "limit" => "per_peer").increment(1);
        return;
    }
    let _ = stream.set_nodelay(true);
    let socket = socket2::SockRef::from(&stream);
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(120)).with_interval(Duration::from_secs(30));
    let _ = socket.set_tcp_keepalive(&keepalive);
    let (reader, writer) = stream.into_split();
    let writer = Rc::new(Writer::new(writer));
    house.switchboard.borrow_mut().plug(number, Rc::clone(&writer));
    counter!(metric::LINKS_OPENED).increment(1);
    gauge!(metric::LINKS).increment(1.0);
    tokio::task::spawn_local(connection::converse(Rc::clone(house), reader, writer, peer, number, stop));
}

/// Writes the answers of each committed batch.
async fn pay(house: Rc<House>, mut answers: mpsc::Receiver<Vec<Settled>>) {
    while let Some(batch) = answers.recv().await {
        let switchboard = house.switchboard.borrow();
        let (mut written, mut lost) = (0, 0);
        for settled in batch {
            match switchboard.find(settled.connection.0) {
                Some(writer) if writer.send(&settled.answer) => written += 1,
                _ => lost += 1,
            }
        }
        counter!(metric::ANSWERS).increment(written);
        counter!(metric::ANSWERS_LOST).increment(lost);
    }
}
