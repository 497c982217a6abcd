//! A daemon under a bench, and loggers that talk to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A server in a process of its own.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// A process of the program on these processors, once it says these words; the address is the one that it names with them.
    pub fn role(processors: &str, start: &str, arguments: &[&str], environment: &[(&str, &str)], words: &str) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", processors]).arg(env!("CARGO_BIN_EXE_hj212d")).args(arguments).args(["--demo-start", start]);
        command.env("HJ212D_LISTEN__ADDRESS", "127.0.0.1:0").env("HJ212D_HTTP__ADDRESS", "127.0.0.1:0").env("HJ212D_LOG__FORMAT", "json");
        command.env("HJ212D_LISTEN__CONNECTIONS_PER_PEER_MAX", "20000").envs(environment.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains(words)).expect("it begins");
        std::thread::spawn(move || lines.for_each(drop));
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let address = line["address"].as_str().unwrap_or("127.0.0.1:0").parse().expect("an address");
        Self { child, address }
    }

    /// User and system time of the process so far.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime");
        Duration::from_millis(ticks * 10)
    }

    /// Resident bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("KiB") * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits in microseconds, as one line.
pub fn say(what: &str, mut waits: Vec<u64>) {
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 1000] as f64 / 1000.0;
    println!(
        "{what:>20}: {} live answers, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
        waits.len(),
        at(500),
        at(990),
        at(999),
        at(1000)
    );
}

/// A hundred loggers, each beginning a little after the one before, that send a packet, wait for its answer, pause, and send the next one;
/// the waits in microseconds.
#[allow(clippy::disallowed_methods)] // A bench measures.
pub async fn live(address: SocketAddr, how_long: Duration, pause: Duration, packet: fn(usize, u64) -> Vec<u8>) -> Vec<u64> {
    let end = Instant::now() + how_long;
    let tasks: Vec<_> = (0..100)
        .map(|logger: u32| {
            tokio::spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
                stream.set_nodelay(true).expect("an option");
                let (mut waits, mut count) = (Vec::new(), 0);
                tokio::time::sleep(pause * logger / 100).await;
                while Instant::now() < end {
                    let sent = Instant::now();
                    exchange(&mut stream, &packet(logger as usize, count)).await;
                    waits.push(sent.elapsed().as_micros() as u64);
                    count += 1;
                    tokio::time::sleep(pause).await;
                }
                waits
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("no panic"));
    }
    all
}

/// A packet, and its answer.
pub async fn exchange(stream: &mut tokio::net::TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("written");
    let (mut buffer, mut got) = ([0; 512], 0);
    while !buffer[..got].ends_with(b"\r\n") {
        got += stream.read(&mut buffer[got..]).await.expect("answered");
    }
}
