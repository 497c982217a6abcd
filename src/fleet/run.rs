//! The fleet on real TCP: one task per logger, which connects, sends what is due, matches the answers, sends again what
//! was not answered, and comes back when the connection breaks. Thin hands: what is sent, `logger` decides.

use super::chance::Chance;
use super::logger::{Logger, Outgoing};
use super::plan::FleetPlan;
use crate::domain::time::Moment;
use crate::protocol::frame::{Frame, Framer, Piece};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, decode_frame};
use serde::Serialize;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Packets of one logger that may wait for their answers at a time; with so many, it sends nothing new.
pub const WINDOW: usize = 16;
/// How often an unanswered packet is sent again (HJ 212-2017 table 1).
pub const RESENDS_MAX: u32 = 3;
/// How long an answer is waited for (HJ 212-2017 table 1).
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How long the last answers are waited for at the end.
const GRACE: Duration = Duration::from_secs(5);
/// How long a host may refuse to read before its connection counts as dead.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_millis(500);
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// The longest sleep: the clock may run faster than real time.
const POLL_MS: i64 = 50;
/// Packets sent before the answers are looked at again.
const BURST: usize = 64;
/// Answered request numbers that are remembered, to tell an answer given twice from one to nothing.
const REMEMBERED: usize = 64;

macro_rules! counters {
    ($($name:ident $doc:literal;)*) => {
        /// What a fleet did, counted while it runs.
        #[derive(Debug, Default)]
        pub struct Tally { $(#[doc = $doc] pub $name: AtomicU64,)* }

        /// The counts of a [`Tally`] at one moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
        pub struct Counts { $(#[doc = $doc] pub $name: u64,)* }

        impl Tally {
            /// The counts now.
            #[must_use]
            pub fn counts(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    sent "Packets sent for the first time, spoilt copies not counted.";
    damaged "Spoilt copies sent.";
    asked "Packets among `sent` that ask for an answer.";
    answered "Packets that got their answer.";
    answered_again "Further answers to packets that had theirs.";
    resent "Packets sent again.";
    given_up "Packets without an answer after all resends.";
    unexpected "What came and was no answer to anything: requests, damage, answers to unknown QNs.";
    connections "Connections made.";
    disconnects "Connections that ended before the work did.";
    bytes "Bytes written.";
}

/// Plays the fleet against a host until `until` has come by `clock`, or `stop` says so. At the end the last answers are
/// waited for, at most five seconds without progress; after `stop`, five seconds in all, and nothing new is sent.
pub async fn run(
    plan: FleetPlan,
    address: SocketAddr,
    clock: impl Fn() -> Moment + Clone + Send + Sync + 'static,
    until: Option<Moment>,
    stop: watch::Receiver<bool>,
    progress: Arc<Tally>,
) -> Counts {
    let FleetPlan { seed, loggers, start, scenario } = plan;
    let mut players = JoinSet::new();
    for logger in loggers {
        let player = Player {
            address,
            dialect: logger.crc,
            keys: logger.key.iter().cloned().collect(),
            chance: Chance::of(seed, &["back-off", &logger.mn]),
            logger: Logger::new(logger, &scenario, seed, start),
            clock: clock.clone(),
            until,
            stop: stop.clone(),
            tally: Arc::clone(&progress),
            queue: VecDeque::new(),
            open: VecDeque::new(),
            answered: VecDeque::new(),
            ended: false,
            closing: None,
        };
        players.spawn(player.play());
    }
    while let Some(ended) = players.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a simulated logger failed");
        }
    }
    progress.counts()
}

struct Player<C> {
    logger: Logger,
    address: SocketAddr,
    dialect: CrcDialect,
    keys: Vec<Key>,
    clock: C,
    until: Option<Moment>,
    stop: watch::Receiver<bool>,
    tally: Arc<Tally>,
    chance: Chance,
    /// Due and not yet sent. Grows while the host cannot be reached, as a logger's memory does.
    queue: VecDeque<Outgoing>,
    /// Sent and not yet answered, at most [`WINDOW`].
    open: VecDeque<Unanswered>,
    /// The last answered request numbers.
    answered: VecDeque<String>,
    /// Whether everything until `until` is in the queue.
    ended: bool,
    /// When waiting for the last answers ends; set once the work is done.
    closing: Option<Instant>,
}

struct Unanswered {
    packet: Outgoing,
    again_at: Instant,
    resends: u32,
}

/// How a connection ended.
enum Parting {
    /// The work is done.
    Done,
    /// The scenario took the link away.
    Cut,
    /// The host or the network ended it.
    Lost,
}

impl<C: Fn() -> Moment + Send + Sync> Player<C> {
    async fn play(mut self) {
        let mut pause = BACKOFF_MIN;
        loop {
            self.collect();
            if self.is_stopped() || self.is_over() {
                return;
            }
            if self.logger.is_cut((self.clock)()) {
                sleep(Duration::from_millis(POLL_MS as u64)).await;
                continue;
            }
            match timeout(CONNECT_PATIENCE, TcpStream::connect(self.address)).await {
                Ok(Ok(stream)) => {
                    pause = BACKOFF_MIN;
                    add(&self.tally.connections, 1);
                    match self.converse(stream).await {
                        Parting::Done => return,
                        Parting::Cut => {}
                        Parting::Lost => self.wait(BACKOFF_MIN).await,
                    }
                    add(&self.tally.disconnects, 1);
                    self.expect_nothing();
                }
                Ok(Err(_)) | Err(_) => {
                    tracing::debug!(address = %self.address, ?pause, "no connection");
                    self.wait(pause).await;
                    pause = (pause * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// One connection.
    async fn converse(&mut self, mut stream: TcpStream) -> Parting {
        let _ = stream.set_nodelay(true);
        let (mut reader, mut writer) = stream.split();
        let mut framer = Framer::default();
        let mut buffer: Vec<u8> = Vec::with_capacity(4096);
        loop {
            self.collect();
            if self.logger.is_cut((self.clock)()) {
                return Parting::Cut;
            }
            if self.is_over() {
                part(&mut reader, &mut writer).await;
                return Parting::Done;
            }
            if let Err(error) = self.send(&mut writer).await {
                tracing::debug!(%error, "connection lost while writing");
                return Parting::Lost;
            }
            match timeout(self.pause(), reader.read_buf(&mut buffer)).await {
                Err(_) => {}
                Ok(Ok(0) | Err(_)) => return Parting::Lost,
                Ok(Ok(_)) => self.take_answers(&mut framer, &mut buffer),
            }
        }
    }

    /// Asks the logger what is due.
    fn collect(&mut self) {
        if self.is_stopped() {
            return;
        }
        let now = (self.clock)();
        self.ended = self.until.is_some_and(|until| until <= now);
        let now = self.until.map_or(now, |until| now.min(until));
        self.queue.extend(self.logger.due(now));
    }

    async fn send(&mut self, writer: &mut WriteHalf<'_>) -> io::Result<()> {
        self.send_again(writer).await?;
        for _ in 0..BURST {
            if !self.may_send() {
                break;
            }
            let Some(packet) = self.queue.pop_front() else { break };
            if let Err(error) = write(writer, &packet.bytes, &mut self.stop).await {
                self.queue.push_front(packet);
                return Err(error);
            }
            add(&self.tally.bytes, packet.bytes.len() as u64);
            add(if packet.what == "damaged" { &self.tally.damaged } else { &self.tally.sent }, 1);
            if packet.asks {
                add(&self.tally.asked, 1);
                self.open.push_back(Unanswered { packet, again_at: Instant::now() + ANSWER_PATIENCE, resends: 0 });
            }
            self.extend_closing();
        }
        Ok(())
    }

    /// Whether the next packet, if there is one, may go out now.
    fn may_send(&self) -> bool {
        self.queue.front().is_some_and(|packet| !packet.asks || self.open.len() < WINDOW)
    }

    /// Sends again, under the same QN, what was not answered in time; gives up what was sent often enough.
    async fn send_again(&mut self, writer: &mut WriteHalf<'_>) -> io::Result<()> {
        let now = Instant::now();
        for unanswered in &mut self.open {
            if unanswered.again_at > now || unanswered.resends >= RESENDS_MAX {
                continue;
            }
            write(writer, &unanswered.packet.bytes, &mut self.stop).await?;
            unanswered.resends += 1;
            unanswered.again_at = now + ANSWER_PATIENCE;
            add(&self.tally.resent, 1);
            add(&self.tally.bytes, unanswered.packet.bytes.len() as u64);
        }
        let before = self.open.len();
        self.open.retain(|unanswered| unanswered.again_at > now || unanswered.resends < RESENDS_MAX);
        add(&self.tally.given_up, (before - self.open.len()) as u64);
        Ok(())
    }

    /// After a broken connection every open packet is sent again at once, and its resends count anew.
    fn expect_nothing(&mut self) {
        let now = Instant::now();
        for unanswered in &mut self.open {
            unanswered.again_at = now;
            unanswered.resends = 0;
        }
    }

    fn take_answers(&mut self, framer: &mut Framer, buffer: &mut Vec<u8>) {
        loop {
            let step = framer.next(buffer, false);
            match &step.piece {
                Some(Piece::Frame(frame)) => self.take_answer(buffer, frame),
                Some(Piece::Junk { .. }) => add(&self.tally.unexpected, 1),
                None if step.consumed == 0 => return,
                None => {}
            }
            buffer.drain(..step.consumed);
        }
    }

    /// 9013 and 9014 carry the QN of the packet they answer: in the header, in 2005 in the data area.
    fn take_answer(&mut self, buffer: &[u8], frame: &Frame) {
        let packet = decode_frame(buffer, frame, self.dialect, &self.keys);
        let answer = packet.as_ref().ok().filter(|packet| matches!(packet.cn(), Some("9013" | "9014")));
        let Some(qn) = answer.and_then(|packet| packet.qn()) else {
            add(&self.tally.unexpected, 1);
            return;
        };
        if let Some(at) = self.open.iter().position(|unanswered| unanswered.packet.qn == qn) {
            self.open.remove(at);
            if self.answered.len() == REMEMBERED {
                self.answered.pop_front();
            }
            self.answered.push_back(qn.to_owned());
            add(&self.tally.answered, 1);
            self.extend_closing();
        } else if self.answered.iter().any(|known| known == qn) {
            add(&self.tally.answered_again, 1);
        } else {
            add(&self.tally.unexpected, 1);
        }
    }

    /// How long the socket may be listened to before something else is to be done.
    fn pause(&self) -> Duration {
        if self.may_send() {
            return Duration::ZERO;
        }
        let wait_ms = self.logger.next_due().map_or(POLL_MS, |next| next.0 - (self.clock)().0);
        Duration::from_millis(wait_ms.clamp(1, POLL_MS) as u64)
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Whether nothing is left to do, or the last answers were waited for long enough.
    fn is_over(&mut self) -> bool {
        let stopped = self.is_stopped();
        if !stopped && !self.ended {
            return false;
        }
        if stopped {
            self.queue.clear();
        }
        let closing = *self.closing.get_or_insert_with(|| Instant::now() + GRACE);
        (self.queue.is_empty() && self.open.is_empty()) || Instant::now() >= closing
    }

    /// Progress at the end earns more time, unless somebody said stop.
    fn extend_closing(&mut self) {
        if self.closing.is_some() && !self.is_stopped() {
            self.closing = Some(Instant::now() + GRACE);
        }
    }

    /// Sleeps for a pause that differs from logger to logger, so that a fleet does not come back as one wave.
    async fn wait(&mut self, pause: Duration) {
        let percent = 75 + self.chance.below(50) as u32;
        tokio::select! {
            () = sleep(pause * percent / 100) => {}
            () = stopped(&mut self.stop) => {}
        }
    }
}

async fn write(writer: &mut WriteHalf<'_>, bytes: &[u8], stop: &mut watch::Receiver<bool>) -> io::Result<()> {
    let patience = async {
        stopped(stop).await;
        sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        written = writer.write_all(bytes) => written,
        () = patience => Err(io::ErrorKind::TimedOut.into()),
        () = sleep(WRITE_PATIENCE) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Closes our side first and reads on for a moment: closing with unread bytes would reset the connection and take what
/// the host has not read yet with it.
async fn part(reader: &mut ReadHalf<'_>, writer: &mut WriteHalf<'_>) {
    let _ = writer.shutdown().await;
    let _ = timeout(FAREWELL, tokio::io::copy(reader, &mut tokio::io::sink())).await;
}

/// Ends when somebody says stop; never, when nobody can any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let nobody_left = stop.wait_for(|&stop| stop).await.is_err();
    if nobody_left {
        std::future::pending::<()>().await;
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
