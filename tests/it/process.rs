//! The whole program as a process: real sockets, real files, real signals.

use crate::world::{MN, packet, registry};
use hj212d::domain::time::{MINUTE_MS, Moment};
use hj212d::engine::{Body, Entry};
use hj212d::message::Event;
use hj212d::pipeline::replay::Replay;
use hj212d::protocol::frame::{Framer, Piece};
use hj212d::registry::Files;
use hj212d::store::{DatabaseUrl, Store};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_hj212d");
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder that goes when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("hj212d-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    /// Writes a registry into it.
    pub fn registry(&self, files: &Files) -> PathBuf {
        let folder = self.0.join("registry");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in &files.0 {
            std::fs::write(folder.join(name), text).expect("a file");
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running process of the program, ended with the test: `serve`, unless it says otherwise.
pub struct Serve {
    child: Child,
    pub address: SocketAddr,
    pub pages: SocketAddr,
    log: mpsc::Receiver<String>,
}

impl Serve {
    pub fn start(data: &Path, registry: &Path, extra: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::under(Command::new(BINARY), data, registry, extra, environment)
    }

    /// Starts under a prefix command (strace), whose arguments are already given.
    pub fn under(mut command: Command, data: &Path, registry: &Path, extra: &[&str], environment: &[(&str, &str)]) -> Self {
        command.arg("serve").arg("--registry").arg(registry).arg("--data").arg(data).args(extra);
        let mut serve = Self::spawn(command, environment);
        serve.pages = serve.address_after("health and metrics");
        serve.address = serve.address_after("listening for data loggers");
        serve
    }

    /// A `gateway`; it listens once there is a register: [`Self::listens`].
    pub fn gateway(extra: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("gateway").args(extra);
        let mut gateway = Self::spawn(command, environment);
        gateway.pages = gateway.address_after("health and metrics");
        gateway
    }

    /// A `worker`.
    pub fn worker(data: &Path, extra: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("worker").arg("--data").arg(data).args(extra);
        let mut worker = Self::spawn(command, environment);
        worker.pages = worker.address_after("health and metrics");
        worker
    }

    /// Waits until a gateway listens.
    pub fn listens(mut self) -> Self {
        self.address = self.address_after("listening for data loggers");
        self
    }

    fn spawn(mut command: Command, environment: &[(&str, &str)]) -> Self {
        command.env("HJ212D_LISTEN__ADDRESS", "127.0.0.1:0").env("HJ212D_HTTP__ADDRESS", "127.0.0.1:0").env("HJ212D_LOG__FORMAT", "json");
        command.envs(environment.iter().copied()).stderr(Stdio::piped()).stdout(Stdio::null()).stdin(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("piped");
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), pages: SocketAddr::from(([127, 0, 0, 1], 0)), log }
    }

    fn address_after(&self, message: &str) -> SocketAddr {
        let line = self.line_with(message);
        let line: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
        line["address"].as_str().expect("an address").parse().expect("an address")
    }

    /// The next log line with these words.
    pub fn line_with(&self, words: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no line with {words:?} ({error}); lines so far:\n{}", seen.join("\n")),
            }
        }
    }

    /// What is still in the log, without waiting.
    pub fn lines(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().expect("kill runs");
        assert!(status.success());
    }

    /// SIGTERM; the exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().expect("it ends").code()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The pages' answer to a GET.
    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.pages).expect("the pages answer");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("written");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    }

    /// Asks until the metrics hold a line that starts so; gives its value.
    pub fn metric(&self, start: &str) -> Option<f64> {
        let text = self.get("/metrics");
        text.lines().find(|line| line.starts_with(start)).and_then(|line| line.rsplit(' ').next()?.parse().ok())
    }

    /// The sum of all lines that start so; a shard that was given back has no value.
    pub fn sum(&self, start: &str) -> f64 {
        let text = self.get("/metrics");
        let values = text.lines().filter(|line| line.starts_with(start)).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.filter(|value| !value.is_nan()).sum()
    }

    /// Waits until a metric satisfies a condition.
    pub fn wait_for(&self, start: &str, condition: impl Fn(f64) -> bool) -> f64 {
        let deadline = deadline();
        loop {
            if let Some(value) = self.metric(start).filter(|value| condition(*value)) {
                return value;
            }
            assert!(!passed(deadline), "{start} did not come to be; metrics:\n{}", self.get("/metrics"));
        }
    }
}

impl Serve {
    /// Asks a page until its answer has this status.
    pub fn wait_until_says(&self, path: &str, status: &str) {
        let deadline = deadline();
        while !self.get(path).starts_with(&format!("HTTP/1.1 {status}")) {
            assert!(!passed(deadline), "{path} did not come to say {status}: {}\n{}", self.get(path), self.lines().join("\n"));
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(clippy::disallowed_methods)] // A test's patience with a real process.
pub fn deadline() -> std::time::Instant {
    std::time::Instant::now() + PATIENCE
}

#[allow(clippy::disallowed_methods)] // As above.
pub fn passed(deadline: std::time::Instant) -> bool {
    std::time::Instant::now() > deadline
}

/// A data logger: sends, and reads answers.
pub struct Logger {
    stream: TcpStream,
    framer: Framer,
    buffer: Vec<u8>,
}

impl Logger {
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, framer: Framer::default(), buffer: Vec::new() })
    }

    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The segment of the next answer.
    pub fn answer(&mut self) -> std::io::Result<String> {
        loop {
            let progress = self.framer.next(&self.buffer, false);
            let answer = match progress.piece {
                Some(Piece::Frame(frame)) => Some(String::from_utf8_lossy(&self.buffer[frame.segment]).into_owned()),
                _ => None,
            };
            self.buffer.drain(..progress.consumed);
            if let Some(answer) = answer {
                return Ok(answer);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => self.buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }

    pub fn exchange(&mut self, bytes: &[u8]) -> std::io::Result<String> {
        self.send(bytes)?;
        self.answer()
    }
}

/// All entries of the journal in a data folder, in order.
pub fn journal(data: &Path) -> Vec<Entry> {
    entries_of(&DatabaseUrl::Sqlite(data.join("hj212d.sqlite")))
}

/// All entries of a stored journal, in order.
pub fn entries_of(database: &DatabaseUrl) -> Vec<Entry> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut store = Store::read(database).await.expect("the database");
        let mut entries = Vec::new();
        for hour in store.journal_hours().await.expect("hours") {
            entries.extend(store.entries_of_hour(hour).await.expect("entries"));
        }
        entries
    })
}

/// The events of the sink's files, each once, in the order of the journal within a topic.
pub fn published(data: &Path) -> BTreeMap<String, Vec<Event>> {
    let mut topics: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for entry in std::fs::read_dir(data.join("out")).expect("the sink's folder") {
        let path = entry.expect("an entry").path();
        let mut seen = std::collections::BTreeSet::new();
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        // A crash may have cut a line short; its event stands whole after it.
        let events = text.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
        let events = events.filter(|event| seen.insert(event.id)).collect();
        topics.insert(path.file_stem().expect("a name").to_string_lossy().into_owned(), events);
    }
    topics
}

/// What a replay of entries gives out, by topic.
pub fn replayed(entries: &[Entry]) -> BTreeMap<String, Vec<Event>> {
    let mut topics: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    let mut replay = Replay::new(500, false);
    let mut take = |writes: &hj212d::engine::WriteSet| {
        for event in &writes.events {
            topics.entry(event.topic.name().to_owned()).or_default().push(event.clone());
        }
    };
    for entry in entries {
        replay.entry(entry.at, entry.body.clone(), &mut take);
    }
    replay.flush(&mut take);
    topics
}

/// Minute packets of a day that lie two days before the demonstration's clock, so that every one is late and recalled.
pub fn minute(number: i64) -> Vec<u8> {
    let start = Moment::parse_rfc3339("2026-03-14T00:00:00+08:00").expect("an instant").plus_ms(number * MINUTE_MS);
    let area = format!("a21026-Avg={}.{},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", 80 + number % 13, number % 10);
    packet("2051", start.plus_ms(MINUTE_MS + 1), start, &area)
}

pub const SO2: &[&str] = &[crate::world::SO2_DAY_80];

#[test]
fn what_serve_published_is_what_its_journal_replays_to_byte_by_byte() {
    let folder = Folder::new();
    let (data, files) = (folder.0.join("data"), registry("11", SO2));
    let rows = folder.registry(&files);
    let demo = ["--demo-time-scale", "60", "--demo-start", "2026-03-16"];
    let serve = Serve::start(&data, &rows, &demo, &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in 0..1440 {
        let answer = logger.exchange(&minute(number)).expect("answered");
        assert!(answer.contains("CN=9014"), "{answer}");
    }
    // Sixty quiet seconds of engine time, at sixty times the speed.
    serve.wait_for("hj212_referrals_total{change=\"opened\"}", |value| value >= 1.0);
    drop(logger);
    assert_eq!(serve.stop(), Some(0));
    let (out, again) = (published(&data), replayed(&journal(&data)));
    assert!(out.contains_key("hj212.referrals.v1") && out.contains_key("hj212.means.hour.v1"), "{:?}", out.keys());
    for (topic, events) in &again {
        assert_eq!(out.get(topic), Some(events), "{topic}");
    }
    // The command says the same.
    let to = folder.0.join("replayed");
    let status = Command::new(BINARY).args(["replay", "--journal", "--data"]).arg(&data).arg("--out").arg(&to).status().expect("it runs");
    assert!(status.success());
    let referrals = std::fs::read(to.join("referrals.jsonl")).expect("written");
    assert_eq!(referrals, std::fs::read(data.join("out/hj212.referrals.v1.jsonl")).expect("written"));
}

/// Whether a sync of the database's log lies between the packet's arrival and its answer, in the order in which the kernel saw the calls.
fn synced_before_answer(trace: &str) -> bool {
    let lines: Vec<&str> = trace.lines().collect();
    let arrived =
        lines.iter().position(|line| (line.contains("recvfrom(") || line.contains("read(")) && line.contains("\"##0") && line.contains("CN=2051"));
    let answered = lines.iter().position(|line| (line.contains("sendto(") || line.contains("write")) && line.contains("CN=9014"));
    let (Some(arrived), Some(answered)) = (arrived, answered) else { panic!("the trace has no packet or no answer:\n{trace}") };
    assert!(arrived < answered);
    lines[arrived..answered].iter().any(|line| {
        (line.contains("fdatasync(") || line.contains("fsync(")) && line.contains("hj212d.sqlite-wal>") && line.trim_end().ends_with("= 0")
    })
}

fn trace_one_exchange(environment: &[(&str, &str)]) -> String {
    let folder = Folder::new();
    let rows = folder.registry(&registry("11", SO2));
    let trace = folder.0.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "256", "-e", "trace=fdatasync,fsync,recvfrom,read,sendto,write,writev", "-o"]).arg(&trace).arg(BINARY);
    let serve = Serve::under(strace, &folder.0.join("data"), &rows, &["--demo-start", "2026-03-16"], environment);
    let mut logger = Logger::connect(serve.address).expect("connected");
    let answer = logger.exchange(&minute(1)).expect("answered");
    assert!(answer.contains("CN=9014"));
    // The traced program ends first; strace then writes what it holds and ends, too.
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", serve.id())).expect("a child");
    let traced = children.split_whitespace().next().expect("the traced program").to_owned();
    assert!(Command::new("kill").args(["-TERM", &traced]).status().expect("kill runs").success());
    assert_eq!(serve.stop_already(), Some(0));
    let text = String::from_utf8_lossy(&std::fs::read(&trace).expect("a trace")).into_owned();
    // A call that another thread's line interrupts ends in a line of its own: join the two by thread.
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    let mut joined = Vec::new();
    for line in text.lines() {
        let thread = line.split_whitespace().next().unwrap_or_default().to_owned();
        if let Some(start) = line.strip_suffix("<unfinished ...>") {
            open.insert(thread, start.to_owned());
        } else if let (true, Some((_, end))) = (line.contains(" resumed>"), line.split_once(" resumed>")) {
            joined.push(format!("{}{end}", open.remove(&thread).unwrap_or_default()));
        } else {
            joined.push(line.to_owned());
        }
    }
    joined.join("\n")
}

#[test]
fn a_sync_lies_between_a_packets_arrival_and_its_answer_and_is_missed_when_switched_off() {
    assert!(synced_before_answer(&trace_one_exchange(&[])), "nothing was synced before the answer");
    let off = trace_one_exchange(&[("HJ212D_DATA__DURABLE", "false")]);
    assert!(!synced_before_answer(&off), "this test must see the difference");
}

#[test]
fn bad_input_is_counted_by_reason_logged_once_and_costs_nobody_anything() {
    let folder = Folder::new();
    let rows = folder.registry(&registry("11", SO2));
    let serve = Serve::start(&folder.0.join("data"), &rows, &["--demo-start", "2026-03-16"], &[]);
    let mut scanner = TcpStream::connect(serve.address).expect("connected");
    let mut damaged = minute(1);
    let at = damaged.len() - 8;
    damaged[at] ^= 1;
    let modbus = {
        let good = minute(2);
        let segment = &good[6..good.len() - 6];
        let check = hj212d::protocol::crc::modbus(segment);
        [&good[..good.len() - 6], format!("{check:04X}\r\n").as_bytes()].concat()
    };
    let text = |from: &str, to: &str| {
        let good = minute(3);
        let segment = String::from_utf8_lossy(&good[6..good.len() - 6]).replace(from, to);
        hj212d::protocol::encode::frame(segment.as_bytes())
    };
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /again HTTP/1.1\r\n\r\n".to_vec(),
        damaged.clone(),
        damaged,
        modbus,
        text(MN, "STRANGER"),
        text("PW=123456", "PW=654321"),
        text("CN=2051;", ""),
    ] {
        scanner.write_all(&bytes).expect("sent");
    }
    let mut logger = Logger::connect(serve.address).expect("connected");
    assert!(logger.exchange(&minute(4)).expect("answered").contains("CN=9014"), "the street goes on");
    serve.wait_for("hj212_rejected_total{reason=\"not_hj212\"}", |value| value >= 1.0);
    serve.wait_for("hj212_rejected_total{reason=\"crc_mismatch\"}", |value| value >= 2.0);
    serve.wait_for("hj212_rejected_total{reason=\"crc_modbus\"}", |value| value >= 1.0);
    serve.wait_for("hj212_rejected_total{reason=\"header_unreadable\"}", |value| value >= 1.0);
    serve.wait_for("hj212_quarantined_total{reason=\"unknown_mn\"}", |value| value >= 1.0);
    serve.wait_for("hj212_quarantined_total{reason=\"wrong_password\"}", |value| value >= 1.0);
    let lines: Vec<serde_json::Value> = serve.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for reason in ["not_hj212", "crc_mismatch", "crc_modbus", "header_unreadable", "unknown_mn", "wrong_password"] {
        let said: Vec<_> = lines.iter().filter(|line| line["reason"] == reason).collect();
        assert_eq!(said.len(), 1, "{reason}: {lines:?}");
        assert!(said[0]["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")));
    }
    let crc = lines.iter().find(|line| line["reason"] == "crc_mismatch").expect("said");
    assert_eq!(crc["mn"], MN);
    let all: String = lines.iter().map(ToString::to_string).collect();
    assert!(!all.contains("654321") && !all.contains("123456"), "a password never prints");
    assert!(serve.get("/readyz").starts_with("HTTP/1.1 200"));
    assert_eq!(serve.stop(), Some(0));
}

#[test]
fn a_stop_takes_no_more_and_answers_what_it_took() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    let serve = Serve::start(&data, &rows, &["--demo-start", "2026-03-16"], &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    assert!(logger.exchange(&minute(0)).expect("answered").contains("CN=9014"));
    for number in 1..200 {
        logger.send(&minute(number)).expect("sent");
    }
    serve.signal("TERM");
    let mut answered = 1;
    while logger.answer().is_ok() {
        answered += 1;
    }
    assert_eq!(serve.stop_already(), Some(0));
    let kept = journal(&data).iter().filter(|entry| matches!(entry.body, Body::Frame { .. })).count();
    assert_eq!(answered, kept, "every packet in the journal was answered, and no other");
}

impl Serve {
    /// Waits for the end of a process that was told to stop.
    fn stop_already(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn a_changed_byte_in_the_store_is_named_by_logger_and_sequence() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    let serve = Serve::start(&data, &rows, &["--demo-start", "2026-03-16"], &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in 0..20 {
        logger.exchange(&minute(number)).expect("answered");
    }
    assert_eq!(serve.stop(), Some(0));
    let verify = || {
        let output = Command::new(BINARY).arg("verify").arg("--data").arg(&data).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(verify().0, Some(0), "{}", verify().1);
    // An administrator lowers one value of one stored packet, and writes the block back as the program would.
    let victim = journal(&data)
        .into_iter()
        .find(|entry| matches!(&entry.body, Body::Frame { bytes, .. } if bytes.windows(14).any(|part| part == b"a21026-Avg=85.")));
    let victim = victim.expect("minute 5 holds 85").sequence;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Row};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("hj212d.sqlite"));
        let mut connection = options.connect().await.expect("opened");
        let row = sqlx::query("SELECT first, entries FROM blocks WHERE first <= $1 AND last >= $1")
            .bind(victim as i64)
            .fetch_one(&mut connection)
            .await
            .expect("its block");
        let mut block = zstd::decode_all(row.get::<&[u8], _>(1)).expect("zstd");
        let at = block.windows(14).position(|part| part == b"a21026-Avg=85.").expect("the value");
        block[at + 11] = b'7';
        let block = zstd::bulk::compress(&block, 1).expect("zstd");
        sqlx::query("UPDATE blocks SET entries = $1 WHERE first = $2")
            .bind(block)
            .bind(row.get::<i64, _>(0))
            .execute(&mut connection)
            .await
            .expect("changed");
    });
    let (code, said) = verify();
    assert_eq!(code, Some(65));
    assert!(said.contains(MN) && said.contains(&format!("sequence {}", victim + 1)), "{said} should name {MN} and the link after {victim}");
}

#[test]
fn a_clock_that_was_set_back_between_two_runs_loses_nothing() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    for (clock, numbers) in [("2026-03-16T20:00:00+08:00", 0..30), ("2026-03-16T08:00:00+08:00", 30..60), ("2026-03-16T20:00:00+08:00", 60..90)] {
        // Fast enough for hours to be sealed in between.
        let serve = Serve::start(&data, &rows, &["--demo-start", clock, "--demo-time-scale", "20000"], &[]);
        let mut logger = Logger::connect(serve.address).expect("connected");
        for number in numbers {
            assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
        }
        serve.wait_for("hj212_sealed_total", |hours| hours >= 1.0);
        assert_eq!(serve.stop(), Some(0));
    }
    let entries = journal(&data);
    assert!(entries.iter().map(|entry| entry.sequence).eq(1..=entries.len() as u64), "no hole");
    assert!(entries.is_sorted_by_key(|entry| entry.at), "no stamp goes back");
    assert_eq!(entries.iter().filter(|entry| matches!(entry.body, Body::Frame { .. })).count(), 90);
    let status = Command::new(BINARY).arg("verify").arg("--data").arg(&data).stdout(Stdio::null()).status().expect("it runs");
    assert!(status.success());
}

#[test]
fn a_kill_in_the_middle_of_an_open_hour_changes_nothing() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    // Ten minutes a second: the packets are of the hour that the clock shows.
    let origin = hj212d::pipeline::clock::ArrivalClock::wall().now().to_string();
    let demo = ["--demo-start", "2026-03-14T08:00:00+08:00", "--demo-time-scale", "600", "--demo-origin", &origin];
    let engine_time = |text: &str| Moment::parse_rfc3339(text).expect("an instant").0 as f64 / 1000.0;
    let serve = Serve::start(&data, &rows, &demo, &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in 480..510 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    serve.kill();
    let serve = Serve::start(&data, &rows, &demo, &[]);
    // DataTime may lie half an hour ahead: 08:59 is taken from 08:30 on.
    serve.wait_for("hj212_engine_time_seconds", |time| time >= engine_time("2026-03-14T08:32:00+08:00"));
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in 510..540 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    serve.wait_for("hj212_means_published_total{span=\"hour\"}", |hours| hours >= 1.0);
    assert_eq!(serve.stop(), Some(0));
    let out = published(&data);
    let hour = &out["hj212.means.hour.v1"][0];
    assert_eq!((&hour.data["start"], &hour.data["revision"]), (&"2026-03-14T08:00:00+08:00".into(), &1.into()));
    assert!(hour.data["means"].as_array().is_some_and(|means| means.iter().all(|mean| mean["count"] == 60)), "{}", hour.data);
    let again = replayed(&journal(&data));
    assert_eq!(again.get("hj212.means.hour.v1"), out.get("hj212.means.hour.v1"));
}

#[test]
fn a_recorded_line_that_is_wrong_is_named_and_stops_nothing() {
    let folder = Folder::new();
    let rows = folder.registry(&registry("11", SO2));
    let mut lines = Vec::new();
    for number in 0..60 {
        let packet = String::from_utf8_lossy(&minute(number)).into_owned();
        let at = Moment::parse_rfc3339("2026-03-14T00:01:00+08:00").expect("an instant").plus_ms(number * MINUTE_MS);
        lines.push(serde_json::json!({"at": at.to_string(), "packet": packet}).to_string());
    }
    lines.insert(30, "no JSON".to_owned());
    lines.insert(31, r#"{"at": "2026-03-14T00:30:00+08:00", "kind": "wish", "for": "rain"}"#.to_owned());
    lines.insert(32, r#"{"at": "2026-03-14T00:30:00+08:00", "kind": "tick"}"#.to_owned());
    lines.insert(33, r#"{"packet": "without a time"}"#.to_owned());
    let (input, out) = (folder.0.join("packets.jsonl"), folder.0.join("out"));
    std::fs::write(&input, lines.join("\n")).expect("written");
    let output = Command::new(BINARY)
        .args(["replay", "--until", "2026-03-14T02:00:00+08:00", "--registry"])
        .arg(&rows)
        .arg("--input")
        .arg(&input)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    for place in [":31: ", ":32: ", ":34: "] {
        assert!(said.contains(place), "{said} should name line {place}");
    }
    assert!(!said.contains(":33: "), "{said}");
    let means = std::fs::read_to_string(out.join("means.jsonl")).expect("written");
    let hour: serde_json::Value = serde_json::from_str(means.lines().next().expect("a mean")).expect("JSON");
    assert_eq!((&hour["start"], &hour["count"]), (&"2026-03-14T00:00:00+08:00".into(), &60.into()));
}

#[test]
fn a_log_that_nobody_reads_any_more_holds_up_nothing() {
    let folder = Folder::new();
    let rows = folder.registry(&registry("", &[]));
    // A daemon that hangs is killed, and has no code 0.
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60", BINARY, "serve", "--registry"]).arg(&rows).arg("--data").arg(folder.0.join("data"));
    command.env("HJ212D_LISTEN__ADDRESS", "127.0.0.1:0").env("HJ212D_HTTP__ADDRESS", "127.0.0.1:0").env("HJ212D_LOG__FORMAT", "json");
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let line = log.find(|line| line.contains("listening for data loggers")).expect("it listens");
    drop(log);
    let line: serde_json::Value = serde_json::from_str(&line).expect("a JSON line");
    let address = line["address"].as_str().expect("an address").parse().expect("an address");
    // Bytes that are no packet are worth a line each minute.
    Logger::connect(address).expect("connected").send(b"##99\r\n").expect("sent");
    assert!(Logger::connect(address).expect("connected").exchange(&minute(1)).expect("answered").contains("CN=9014"));
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
