//! Answered packets per second with everything on, against a bare echo server under the same load in the same run; memory
//! of an idle connection; bytes stored per packet. `cargo bench --bench answers` (takes two minutes; Linux).
//!
//! The server is pinned to one processor and the load to another. The load: 400 connections, one packet in flight each,
//! 656-byte minute packets of ten factors, every one answered. The echo server frames, checks and answers, and stores nothing.

#[path = "parts/server.rs"]
mod server;

use hj212d::protocol::catalogue;
use hj212d::protocol::encode::Segment;
use hj212d::protocol::frame::{Framer, Piece};
use hj212d::protocol::{CrcDialect, decode};
use server::{Server, exchange, live, say};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The demonstration's clock at the start.
const MORNING: &str = "2026-03-14T08:00:00+08:00";
/// Between an answer and the next packet of a live logger.
const PAUSE: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 400;
const SECONDS: u64 = 15;
const IDLE: usize = 5_000;
const FACTORS: [&str; 10] = ["a34013", "a21026", "a21002", "a21024", "a21005", "a19001", "a01011", "a01012", "a01014", "a00000"];

fn main() {
    if std::env::args().any(|argument| argument == "echo") {
        return echo();
    }
    let folder = std::env::temp_dir().join(format!("hj212d-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    if std::env::args().any(|argument| argument == "--recount") {
        recount(&folder);
        let _ = std::fs::remove_dir_all(&folder);
        return;
    }
    let rows = registry(&folder, CONNECTIONS, &FACTORS, 1000);
    if std::env::args().any(|argument| argument == "--back-fill") {
        back_fill(&folder, &rows);
        let _ = std::fs::remove_dir_all(&folder);
        return;
    }
    if std::env::args().any(|argument| argument == "--roles") {
        roles(&folder, &rows);
        let _ = std::fs::remove_dir_all(&folder);
        return;
    }
    let rounds = if std::env::args().any(|argument| argument == "--once") { 1 } else { 3 };
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let echo = echo_server();
        let bare = load("echo", &echo);
        drop(echo);
        let data = folder.join(format!("data{round}"));
        let serve = begin_serve(&data, &rows, true);
        let full = load("serve", &serve);
        drop(serve);
        let stored: u64 =
            ["hj212d.sqlite", "hj212d.sqlite-wal"].iter().filter_map(|name| std::fs::metadata(data.join(name)).ok()).map(|file| file.len()).sum();
        println!("         hot storage: {:.0} bytes a packet, database and its log", stored as f64 / full.0 as f64);
        let unsafe_data = folder.join(format!("unsynced{round}"));
        let unsynced = begin_serve(&unsafe_data, &rows, false);
        let fast = load("no sync", &unsynced);
        drop(unsynced);
        println!("round {round}: serve / echo {:.2}, without sync / echo {:.2}", full.1 / bare.1, fast.1 / bare.1);
        ratios.push(full.1 / bare.1);
    }
    idle(&begin_serve(&folder.join("idle"), &rows, true));
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[ratios.len() / 2]);
    let _ = std::fs::remove_dir_all(&folder);
}

/// The echo server, on processor 0.
fn echo_server() -> Server {
    let own = std::env::current_exe().expect("this program");
    let mut child = Command::new("taskset").args(["-c", "0"]).arg(own).arg("echo").stdout(Stdio::piped()).spawn().expect("taskset runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its address");
    Server { child, address: line.trim().parse().expect("an address") }
}

/// `serve`, on processor 0.
fn begin_serve(data: &Path, rows: &Path, durable: bool) -> Server {
    let (data, rows) = (data.display().to_string(), rows.display().to_string());
    Server::role(
        "0",
        MORNING,
        &["serve", "--data", &data, "--registry", &rows],
        &[("HJ212D_DATA__DURABLE", &durable.to_string())],
        "listening for data loggers",
    )
}

/// So many outlets, with a logger each; `range` is that of every series.
fn registry(folder: &Path, outlets: usize, factors: &[&str], range: u32) -> PathBuf {
    let rows = folder.join(format!("registry-{range}"));
    std::fs::create_dir_all(&rows).expect("a folder");
    let mut files = vec![
        ("sites.csv", "site,name,name_en,industry,region,valid_from,valid_to\n".to_owned()),
        ("outlets.csv", "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to\n".to_owned()),
        ("loggers.csv", "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n".to_owned()),
        ("series.csv", "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to\n".to_owned()),
        ("limits.csv", "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to\n".to_owned()),
    ];
    for number in 0..outlets {
        files[0].1.push_str(&format!("S{number},Site,Site,,,2020-01-01,\n"));
        files[1].1.push_str(&format!("O{number},S{number},{number},,gas,,start,1,30,11,a19001,21,no,2020-01-01,\n"));
        files[2].1.push_str(&format!("{number:024X},S{number},123456,standard,2017,,main,2020-01-01,\n"));
        for factor in factors {
            files[3].1.push_str(&format!("O{number},{factor},{number:024X},31,,mg/m3,,{range},drift,2020-01-01,\n"));
        }
        files[4].1.push_str(&format!("O{number},a21026,max,80,mg/m3,day,11,yes,standard,source,D,,2020-01-01,\n"));
    }
    for (name, text) in files {
        std::fs::write(rows.join(name), text).expect("a file");
    }
    rows
}

/// A minute packet of 656 bytes in all; the minute stays, the QN counts, as a hurried logger's corrections would.
fn packet(logger: usize, count: u64) -> Vec<u8> {
    let (qn, mn) = (format!("{}", 20_260_314_080_100_000 + count % 900_000), format!("{logger:024X}"));
    let digits = count % 1000;
    let factor = |code: &str| format!(";{code}-Min=10.1,{code}-Avg=12.{digits:03},{code}-Max=14.9,{code}-Flag=N");
    let mut area = format!("DataTime=20260314080000{}", FACTORS.map(factor).concat());
    area.truncate(550);
    Segment { qn: Some(&qn), st: "31", cn: "2051", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() }.frame()
}

/// Drives a server; gives packets answered, and answers a second.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn load(name: &str, server: &Server) -> (u64, f64) {
    pin_to_second_processor();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let address = server.address;
    let (cpu, began) = (server.cpu(), Instant::now());
    let end = began + Duration::from_secs(SECONDS);
    let (answered, mut waits) = runtime.block_on(async {
        let tasks: Vec<_> = (0..CONNECTIONS).map(|logger| tokio::spawn(drive(address, logger, end))).collect();
        let (mut answered, mut waits) = (0, Vec::new());
        for task in tasks {
            let (count, some) = task.await.expect("no panic");
            answered += count;
            waits.extend(some);
        }
        (answered, waits)
    });
    let (spent, seconds) = ((server.cpu() - cpu).as_secs_f64(), began.elapsed().as_secs_f64());
    waits.sort_unstable();
    let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
    let rate = answered as f64 / seconds;
    println!(
        "{name:>8}: {rate:>8.0} answers/s, {:.1} us of the server's CPU a packet, p99 {:.1} ms",
        spent * 1e6 / answered as f64,
        p99 as f64 / 1000.0
    );
    (answered, rate)
}

#[allow(clippy::disallowed_methods)] // A bench measures.
async fn drive(address: SocketAddr, logger: usize, end: Instant) -> (u64, Vec<u64>) {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("an option");
    let (mut count, mut waits, mut buffer) = (0, Vec::new(), [0; 512]);
    while Instant::now() < end {
        let sent = Instant::now();
        stream.write_all(&packet(logger, count)).await.expect("written");
        // An answer is one small segment.
        let mut got = 0;
        while !buffer[..got].ends_with(b"\r\n") {
            got += stream.read(&mut buffer[got..]).await.expect("answered");
        }
        count += 1;
        if count % 16 == 0 {
            waits.push(sent.elapsed().as_micros() as u64);
        }
    }
    (count, waits)
}

/// Gateway and worker beside `serve` on the same server and the same cluster, which the environment names; their own CPU alone is
/// counted. Then: how fast a worker catches up, and how long shards stand still when one is stopped.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn roles(folder: &Path, rows: &Path) {
    let named = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("--roles needs a real one: set {name}"));
    let (database, brokers) = (named("HJ212D_DATA__DATABASE"), named("HJ212D_KAFKA__BROKERS"));
    let environment = [("HJ212D_KAFKA__ALLOW_SINGLE_BROKER", "true"), ("HJ212D_KAFKA__JOURNAL_PARTITIONS", "12"), ("HJ212D_WORKER__SESSION", "6s")];
    let rows = rows.display().to_string();
    for (name, database) in [("serve, file", ""), ("serve, server", database.as_str())] {
        let data = folder.join(name).display().to_string();
        let serve = Server::role(
            "0",
            MORNING,
            &["serve", "--data", &data, "--registry", &rows],
            &[("HJ212D_DATA__DATABASE", database), ("HJ212D_KAFKA__BROKERS", "")],
            "listening for data loggers",
        );
        load(name, &serve);
    }
    let forget = |what: &str| {
        let dropped = Command::new("psql").args([&database, "-q", "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public"]).status();
        assert!(dropped.is_ok_and(|status| status.success()), "{what}: psql empties the database");
    };
    forget("after serve");
    println!("the journal is on {brokers}");
    let worker = |name: &str, words: &str| {
        let data = folder.join(name).display().to_string();
        Server::role("0", MORNING, &["worker", "--data", &data, "--registry", &rows], &environment, words)
    };
    let first = worker("w1", "a shard is ours");
    let gateway = Server::role("0", MORNING, &["gateway"], &environment, "listening for data loggers");
    let taken = || {
        let ask = "SELECT coalesce(sum(next_offset - 1), 0) FROM shards";
        let said = Command::new("psql").args([&database, "-tA", "-c", ask]).output().expect("psql runs");
        String::from_utf8_lossy(&said.stdout).trim().parse::<u64>().expect("a number")
    };
    let settled = |least: u64| {
        let began = Instant::now();
        while taken() < least {
            std::thread::sleep(Duration::from_millis(50));
        }
        began.elapsed()
    };
    let (before, cpu) = (taken(), first.cpu());
    let (answered, _) = load("gateway", &gateway);
    settled(before + answered);
    println!("  worker: {:.1} us of its CPU a packet", (first.cpu() - cpu).as_secs_f64() * 1e6 / answered as f64);
    drop(first);
    let before = taken();
    let (answered, _) = load("gateway", &gateway);
    let began = Instant::now();
    let first = worker("w1", "a shard is ours");
    let waited = settled(before + answered);
    println!(
        "  a worker catches up: {:.0} packets/s ({answered} in {waited:.1?}, ready after {:.1?})",
        answered as f64 / waited.as_secs_f64(),
        began.elapsed() - waited
    );
    let _second = worker("w2", "a shard is ours");
    for (signal, name) in [("TERM", "ended"), ("KILL", "killed")] {
        let victim = if signal == "TERM" { worker("w3", "a shard is ours") } else { worker("w4", "a shard is ours") };
        std::thread::sleep(Duration::from_secs(8));
        let sum = || {
            let said = Command::new("psql").args([&database, "-tA", "-c", "SELECT sum(epoch) FROM shards"]).output().expect("psql runs");
            String::from_utf8_lossy(&said.stdout).trim().parse::<u64>().expect("a number")
        };
        let (epochs, began) = (sum(), Instant::now());
        let _ = Command::new("kill").args([&format!("-{signal}"), &victim.child.id().to_string()]).status();
        let mut moved = Duration::ZERO;
        let mut last = epochs;
        while began.elapsed() < Duration::from_secs(20) {
            let now = sum();
            if now != last {
                (last, moved) = (now, began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("  a worker is {name}: its {} shards were another's within {moved:.1?}", last - epochs);
    }
    drop(first);
}

/// Live answers of a hundred loggers, ten packets a second each, alone and beside a hundred that back-fill three days at once.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn back_fill(folder: &Path, rows: &Path) {
    pin_to_second_processor();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let serve = begin_serve(&folder.join("back-fill"), rows, true);
    let address = serve.address;
    let alone = runtime.block_on(live(address, Duration::from_secs(20), PAUSE, packet));
    say("alone", alone);
    let began = Instant::now();
    let while_it_comes = runtime.block_on(async {
        let tasks: Vec<_> = (100..200).map(|logger| tokio::spawn(three_days(address, logger))).collect();
        let mut waits = Vec::new();
        while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
            waits.extend(live(address, Duration::from_secs(5), PAUSE, packet).await);
        }
        waits
    });
    println!("432000 packets back-filled in {:.0} s", began.elapsed().as_secs_f64());
    say("while it comes in", while_it_comes);
    // In the five minutes after the last packet half of the reopened days are computed again.
    say("while it is computed", runtime.block_on(live(address, Duration::from_secs(240), PAUSE, packet)));
    println!("resident {:.0} MB", serve.resident() as f64 / 1e6);
}

/// A thousand outlets have stored ninety days (`--days N`) of hour records of three factors; a register whose ranges differ has all of them computed again.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn recount(folder: &Path) {
    let factors = ["a34013", "a21026", "a19001"];
    let (rows, other) = (registry(folder, 1000, &factors, 1000), registry(folder, 1000, &factors, 12));
    let data = folder.join("recount");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let began = Instant::now();
    let days: i64 = std::env::args().skip_while(|word| word != "--days").nth(1).and_then(|days| days.parse().ok()).unwrap_or(90);
    runtime.block_on(many_days(&data, &rows, days));
    println!("{} hour records of {days} days stored in {:.0} s", days * 24_000, began.elapsed().as_secs_f64());
    pin_to_second_processor();
    let serve = begin_serve(&data, &rows, true);
    say("alone", runtime.block_on(live(serve.address, Duration::from_secs(20), PAUSE, packet)));
    let before = serve.resident();
    let began = Instant::now();
    let mut import = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    import.args(["registry", "import", "--yes", "--no-wait"]).arg(&other).arg("--data").arg(&data);
    let status = import.stdout(Stdio::null()).status().expect("it runs");
    assert!(status.success());
    println!("the register was in force {:.1} s after the command began", began.elapsed().as_secs_f64());
    let all = recounts_left(&data);
    let (mut waits, mut peak) = (Vec::new(), before);
    // Some minutes are enough to see the pace.
    while recounts_left(&data) > 0 && began.elapsed() < Duration::from_secs(150) {
        waits.extend(runtime.block_on(live(serve.address, Duration::from_secs(15), PAUSE, packet)));
        peak = peak.max(serve.resident());
    }
    println!(
        "{} days of {} computed again in {:.0} s, resident {:.0} MB before and {:.0} MB at most",
        all - recounts_left(&data),
        all,
        began.elapsed().as_secs_f64(),
        before as f64 / 1e6,
        peak as f64 / 1e6
    );
    say("beside the recount", waits);
}

/// The days before the demonstration's clock, through engine and store as serve would, sealed hour by hour.
async fn many_days(data: &Path, rows: &Path, days: i64) {
    use hj212d::domain::time::{DAY_MS, HOUR_MS, Moment};
    use hj212d::engine::{Body, Engine, Entry, Snapshot};
    std::fs::create_dir_all(data).expect("a folder");
    let mut store = hj212d::store::Store::open(&data.join("hj212d.sqlite"), false).await.expect("a database");
    let mut engine = Engine::new(Snapshot::default(), false);
    let start = Moment::parse_local("2026-03-14").expect("an instant").plus_ms(-days * DAY_MS);
    let names = ["sites.csv", "outlets.csv", "loggers.csv", "series.csv", "limits.csv"];
    let text = |name: &str| (name.to_owned(), std::fs::read_to_string(rows.join(name)).expect("a file"));
    let files = hj212d::registry::Files(names.map(text).into_iter().collect());
    let mut sequence = 0;
    let mut next = |at: Moment, body: Body| {
        sequence += 1;
        Entry { sequence, at, body }
    };
    for hour in 0..days * 24 {
        let from = start.plus_ms(hour * HOUR_MS);
        let mut entries = Vec::with_capacity(1001);
        if hour == 0 {
            entries.push(next(start, Body::RegistryVersion { files: files.clone() }));
        }
        for logger in 0..1000 {
            let live = String::from_utf8(packet(logger, hour as u64)).expect("text");
            let segment =
                live[6..live.len() - 6].replace("CN=2051", "CN=2061").replace("DataTime=20260314080000", &format!("DataTime={}", from.wire()));
            let bytes = hj212d::protocol::encode::frame(segment.as_bytes()).trim_ascii_end().to_vec();
            let body = Body::Frame { bytes, peer: "192.0.2.1:4000".to_owned(), gateway: "bench".to_owned(), connection: 1 };
            entries.push(next(from.plus_ms(HOUR_MS + logger as i64), body));
        }
        let (mut rest, mut recalled) = (&entries[..], Vec::new());
        while !rest.is_empty() {
            let step = engine.step(rest, recalled);
            store.commit(&rest[..step.taken], &step.writes, Vec::new(), i64::MAX).await.expect("committed");
            rest = &rest[step.taken..];
            recalled = store.recall(&step.wants).await.expect("recalled");
        }
        store.seal_hour(engine.now()).await.expect("sealed");
    }
}

/// Days that a running daemon has still to compute again.
fn recounts_left(data: &Path) -> u64 {
    let mut stream = std::os::unix::net::UnixStream::connect(data.join("hj212d.sock")).expect("it listens");
    stream.write_all(b"GET /v1/recounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let digits = answer.rsplit("\"left_days\":").next().unwrap_or_default();
    digits.trim_end_matches(['}', '\n']).parse().expect("a number")
}

async fn three_days(address: SocketAddr, logger: usize) {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("an option");
    let first = hj212d::domain::time::Moment::parse_rfc3339("2026-03-11T00:00:00+08:00").expect("an instant");
    for minute in 0..3 * 24 * 60 {
        let from = first.plus_ms(minute * 60_000);
        let live = packet(logger, minute as u64);
        let segment = String::from_utf8_lossy(&live[6..live.len() - 6]).replace("DataTime=20260314080000", &format!("DataTime={}", from.wire()));
        exchange(&mut stream, &hj212d::protocol::encode::frame(segment.as_bytes())).await;
    }
}

fn pin_to_second_processor() {
    let _ = Command::new("taskset").args(["-cp", "1", &std::process::id().to_string()]).stdout(Stdio::null()).status();
}

/// Memory of connections that have said nothing for a while, at a daemon that has not been under load: what a load leaves to the
/// allocator would hide it.
fn idle(server: &Server) {
    let connect = |connections: usize| -> Vec<TcpStream> {
        let streams: Vec<TcpStream> = (0..connections).filter_map(|_| TcpStream::connect(server.address).ok()).collect();
        // Each has sent one packet and got its answer: its buffers have been used once.
        for (number, mut stream) in streams.iter().enumerate() {
            stream.write_all(&packet(number % CONNECTIONS, number as u64 + 900_000)).expect("sent");
            let mut answer = [0; 256];
            let _ = stream.read(&mut answer);
        }
        streams
    };
    // Every logger has been here before the count begins.
    let _known = connect(CONNECTIONS);
    let before = server.resident();
    let streams = connect(IDLE);
    let after = server.resident();
    println!(
        "    idle: {:.0} bytes of the process a connection ({} connections)",
        (after.saturating_sub(before)) as f64 / streams.len() as f64,
        streams.len()
    );
}

/// Frames, checks, decodes and answers; stores nothing.
fn echo() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let _ = std::io::stdout().flush();
    listener.set_nonblocking(true).expect("an option");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        loop {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            stream.set_nodelay(true).expect("an option");
            tokio::spawn(async move {
                let (mut buffer, mut framer) = (Vec::with_capacity(2048), Framer::default());
                while stream.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
                    loop {
                        let progress = framer.next(&buffer, false);
                        let answer = match progress.piece {
                            Some(Piece::Frame(frame)) => decode(&buffer[frame.span], CrcDialect::Standard, &[]).ok().and_then(|packet| {
                                catalogue::find(packet.cn()?, packet.edition())?;
                                let segment = Segment {
                                    qn: packet.qn(),
                                    st: "91",
                                    cn: "9014",
                                    pw: packet.pw(),
                                    mn: packet.mn(),
                                    flag: Some(4),
                                    ..Segment::default()
                                };
                                Some(segment.frame())
                            }),
                            _ => None,
                        };
                        if progress.consumed == 0 {
                            break;
                        }
                        buffer.drain(..progress.consumed);
                        if let Some(answer) = answer
                            && stream.write_all(&answer).await.is_err()
                        {
                            return;
                        }
                    }
                }
            });
        }
    });
}
