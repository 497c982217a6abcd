//! One connection: reads, calls its link, appends to the open batch; and its writer, which the paying task uses.

use super::House;
use crate::engine::Body;
use crate::link::{Admitted, CloseReason, ConnectionId, Link, Output};
use crate::pipeline::intake::Item;
use crate::telemetry::{self, metric};
use metrics::{counter, gauge};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

/// Answers that a peer does not read are kept up to this many bytes; then it is closed.
const BACKLOG_LEN_MAX: usize = 64 * 1024;
/// How long the answers to a peer that sends no more are still written.
const FAREWELL: Duration = Duration::from_secs(2);

/// The writing half, shared by the connection and the paying task (one thread).
#[derive(Debug)]
pub(super) struct Writer {
    half: OwnedWriteHalf,
    backlog: RefCell<Vec<u8>>,
    flushing: Cell<bool>,
    broken: Cell<bool>,
}

impl Writer {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self { half, backlog: RefCell::new(Vec::new()), flushing: Cell::new(false), broken: Cell::new(false) }
    }

    /// Writes now what the socket takes, and the rest as it can. False: the peer is gone, or does not read.
    pub(super) fn send(self: &Rc<Self>, bytes: &[u8]) -> bool {
        if self.broken.get() {
            return false;
        }
        let mut written = 0;
        if self.backlog.borrow().is_empty() {
            match self.half.try_write(bytes) {
                Ok(count) => written = count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.broken.set(true);
                    return false;
                }
            }
        }
        if written == bytes.len() {
            return true;
        }
        let mut backlog = self.backlog.borrow_mut();
        if backlog.len() + bytes.len() > BACKLOG_LEN_MAX {
            self.broken.set(true);
            return false;
        }
        backlog.extend_from_slice(&bytes[written..]);
        if !self.flushing.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).flush());
        }
        true
    }

    async fn flush(self: Rc<Self>) {
        while !self.broken.get() && self.half.writable().await.is_ok() {
            let mut backlog = self.backlog.borrow_mut();
            match self.half.try_write(&backlog) {
                Ok(count) => drop(backlog.drain(..count)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => self.broken.set(true),
            }
            if backlog.is_empty() {
                *backlog = Vec::new();
                break;
            }
        }
        self.flushing.set(false);
    }
}

/// Connection number → writer.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    writers: BTreeMap<u64, Rc<Writer>>,
}

impl Switchboard {
    pub(super) fn plug(&mut self, number: u64, writer: Rc<Writer>) {
        self.writers.insert(number, writer);
    }

    fn unplug(&mut self, number: u64) {
        self.writers.remove(&number);
    }

    pub(super) fn find(&self, number: u64) -> Option<&Rc<Writer>> {
        self.writers.get(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.writers.len()
    }
}

/// Converses until somebody ends it.
pub(super) async fn converse(
    house: Rc<House>,
    mut reader: OwnedReadHalf,
    writer: Rc<Writer>,
    peer: SocketAddr,
    number: u64,
    stop: watch::Receiver<bool>,
) {
    let name: Arc<str> = peer.to_string().into();
    let gateway = house.settings.gateway.to_string();
    house.push(Body::LinkUp { gateway: gateway.clone(), connection: number, peer: name.to_string() });
    let mut link = Link::new(ConnectionId(number), house.settings.link, house.now_ms());
    house.talking.set(house.talking.get() + 1);
    let reason = talk(&house, &mut link, &mut reader, &writer, peer, &name, number, stop).await;
    house.push(Body::LinkDown { gateway, connection: number, peer: name.to_string(), reason: reason.to_owned() });
    house.talking.set(house.talking.get() - 1);
    // The writer stays for the answers of what was read last: for a while after the peer's end, at a shutdown to the end.
    match reason {
        "shutdown" => return pass_over(&house, &mut reader).await,
        "peer" => tokio::time::sleep(FAREWELL).await,
        _ => {}
    }
    drop(reader);
    house.switchboard.borrow_mut().unplug(number);
    house.peers.borrow_mut().leave(peer.ip());
    counter!(metric::LINKS_CLOSED, "reason" => reason).increment(1);
    gauge!(metric::LINKS).decrement(1.0);
}

#[allow(clippy::too_many_arguments)] // The hands of one conversation; a struct would only rename them.
async fn talk(
    house: &Rc<House>,
    link: &mut Link,
    reader: &mut OwnedReadHalf,
    writer: &Rc<Writer>,
    peer: SocketAddr,
    name: &Arc<str>,
    number: u64,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let mut second = (house.now_ms() / 1000, 0usize);
    let sleep = tokio::time::sleep(until(house, link));
    tokio::pin!(sleep);
    loop {
        if house.intake.is_full() {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return "shutdown",
                () = house.intake.room() => {}
            }
        }
        if writer.broken.get() {
            return "answers_unread";
        }
        let read = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return "shutdown",
            read = read(house, link, reader, peer, name, number) => read,
            () = &mut sleep => {
                let mut outputs = Vec::new();
                link.timeout(house.now_ms(), &house.admissions.load(), &mut outputs);
                if let Some(reason) = deliver(house, outputs, peer, name, number) {
                    return reason.name();
                }
                sleep.as_mut().reset(tokio::time::Instant::now() + until(house, link));
                continue;
            }
        };
        match read {
            Read::Bytes(count) => {
                let now = house.now_ms() / 1000;
                second = if second.0 == now { (now, second.1 + count) } else { (now, count) };
                if second.1 > house.settings.bytes_per_sec_max {
                    counter!(metric::SLOWED).increment(1);
                    tokio::time::sleep(Duration::from_millis(1000 - house.now_ms() % 1000)).await;
                }
            }
            Read::Close(reason) => return reason.name(),
            Read::Ended => return "peer",
            Read::Failed => return "error",
        }
    }
}

/// Reads on and keeps nothing: a socket that is closed with bytes unread tells its peer to forget the answers on their way.
async fn pass_over(house: &House, reader: &mut OwnedReadHalf) {
    let mut passed = |context: &mut std::task::Context<'_>| {
        let mut scratch = house.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        let ready = std::task::ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer));
        std::task::Poll::Ready(ready.is_ok() && !buffer.filled().is_empty())
    };
    while std::future::poll_fn(&mut passed).await {}
}

fn until(house: &House, link: &Link) -> Duration {
    // A link's first-frame and partial deadlines are seconds away, its idle deadline hours: look at least twice a minute.
    Duration::from_millis(link.poll_timeout_ms().saturating_sub(house.now_ms()).clamp(1, 30_000))
}

enum Read {
    Bytes(usize),
    Close(CloseReason),
    Ended,
    Failed,
}

async fn read(house: &Rc<House>, link: &mut Link, reader: &mut OwnedReadHalf, peer: SocketAddr, name: &Arc<str>, number: u64) -> Read {
    std::future::poll_fn(|context| {
        let mut scratch = house.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        let ready = std::task::ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer));
        let bytes = buffer.filled();
        let admissions = house.admissions.load();
        let mut outputs = Vec::new();
        let outcome = match ready {
            Err(_) => Read::Failed,
            Ok(()) if bytes.is_empty() => {
                link.close(&admissions, &mut outputs);
                Read::Ended
            }
            Ok(()) => {
                link.receive(bytes, house.now_ms(), &admissions, &mut outputs);
                Read::Bytes(bytes.len())
            }
        };
        let closed = deliver(house, outputs, peer, name, number);
        std::task::Poll::Ready(closed.map_or(outcome, Read::Close))
    })
    .await
}

/// Appends what a read brought to the open batch.
fn deliver(house: &House, outputs: Vec<Output>, peer: SocketAddr, name: &Arc<str>, number: u64) -> Option<CloseReason> {
    let now = house.settings.clock.now();
    for output in outputs {
        match output {
            Output::Frame { bytes, mn: Some(mn), admitted: Admitted::Accepted, debt } => {
                house.intake.push(now, Item::Packet { mn, bytes: bytes.into(), peer: Arc::clone(name), connection: number }, debt);
            }
            Output::Frame { bytes, mn, admitted, .. } => {
                house.complain(peer, admitted.name(), mn, "kept apart, not answered; add the logger to the register, or mend its password");
                let body =
                    Body::Frame { bytes: bytes.into(), peer: name.to_string(), gateway: house.settings.gateway.to_string(), connection: number };
                keep(house, peer, body);
            }
            Output::Rejected { bytes, len, reason, detail, claimed } => {
                counter!(metric::REJECTED, "reason" => reason).increment(1);
                house.complain(peer, reason, claimed, &detail);
                let body = Body::Rejected { reason: reason.to_owned(), detail, bytes: bytes.into(), len: len as u64, peer: name.to_string() };
                keep(house, peer, body);
            }
            Output::Noticed(quirks) => quirks.iter().for_each(|quirk| telemetry::note(crate::engine::Notice::Quirk(quirk.name()), 1)),
            Output::Close(reason) => return Some(reason),
        }
    }
    None
}

/// Keeps what is no good packet, within its peer's budget.
fn keep(house: &House, peer: SocketAddr, body: Body) {
    if house.peers.borrow_mut().may_keep(peer.ip(), house.now_ms()) {
        house.push(body);
    } else {
        counter!(metric::REJECTED_UNKEPT).increment(1);
    }
}
