//! The store's story, told to both databases: what days of packets leave behind, what is handed back, what a seal and a restart
//! change (nothing), and who may write. Then what only a server can do: lose connections in the middle of commits.

use crate::process::{Folder, deadline, passed};
use crate::world::{MN, OUTLET, SO2_DAY_80, at, city, frame_body, mn, packet, registry};
use hj212d::domain::time::{Day, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{
    Comparison, Declaration, DeclarationKind, Depth, FactorCode, Mn, Neighbour, Neighbours, OtherOutlet, Outage, OutageScope, OutletDay, OutletId,
    RuleSet, Sight, Survey, Visit,
};
use hj212d::engine::{Body, Engine, Entry, Snapshot, Want};
use hj212d::message::Event;
use hj212d::protocol::encode;
use hj212d::store::{DatabaseUrl, Store, StoreError};
use rust_decimal::Decimal;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who runs the server where the test is root's: the server refuses to be.
const NOBODY: u32 = 65534;

/// A server of its own in a temporary folder, reached by its socket; it goes with the test.
pub struct Server {
    folder: Folder,
    programs: PathBuf,
    root: bool,
}

impl Server {
    pub fn start() -> Self {
        let root = fs::metadata("/proc/self").expect("a process").uid() == 0;
        let server = Self { folder: Folder::new(), programs: programs(), root };
        let home = server.home();
        fs::create_dir(&home).expect("a folder");
        if root {
            chown(&home, Some(NOBODY), Some(NOBODY)).expect("given away");
        }
        assert!(server.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]));
        assert!(server.run_up());
        server
    }

    fn run_up(&self) -> bool {
        let (home, log) = (self.home(), self.home().join("log"));
        // Nothing here cuts the power: the server need not wait for the disk.
        let settings = format!("-k {} -c listen_addresses= -c fsync=off -c shared_buffers=32MB", home.display());
        self.run("pg_ctl", &["-w", "-l", log.to_str().expect("UTF-8"), "-o", &settings, "start"])
    }

    /// SIGKILL of every process of the server, as a machine that goes.
    pub fn kill(&self) {
        let first = fs::read_to_string(self.home().join("data/postmaster.pid")).expect("it runs");
        let first = first.lines().next().expect("a number").to_owned();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).expect("its children");
        let all: Vec<&str> = std::iter::once(first.as_str()).chain(children.split_whitespace()).collect();
        // A child may have gone by itself.
        let _ = Command::new("kill").arg("-KILL").args(&all).stderr(Stdio::null()).status().expect("kill runs");
    }

    /// Starts it again after a kill.
    pub fn start_again(&self) {
        // The last of the killed may still hold the shared memory.
        assert!((0..50).any(|_| self.run_up()), "{}", fs::read_to_string(self.home().join("log")).unwrap_or_default());
    }

    fn home(&self) -> PathBuf {
        self.folder.0.join("postgres")
    }

    /// Whether it went well.
    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = Command::new(if self.root { Path::new("setpriv") } else { program.as_path() });
        if self.root {
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]).arg(&program);
        }
        command.arg("-D").arg(self.home().join("data")).args(arguments).current_dir(self.home());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    pub fn address(&self, database: &str) -> String {
        format!("postgres://postgres@localhost:5432/{database}?host={}", self.home().display())
    }

    pub async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.address(database)).await.expect("connected")
    }

    /// A new database.
    pub async fn database(&self, name: &str) -> DatabaseUrl {
        let mut connection = self.connect("postgres").await;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("made");
        self.address(name).parse().expect("an address")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-m", "immediate", "stop"]);
    }
}

/// Where the server's programs are: on the path, or where Debian puts them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let found = folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file());
    found.expect("initdb and pg_ctl; on Debian: apt-get install postgresql")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The last two days of March: what follows from them is written in April.
fn start() -> Moment {
    at("2026-03-30 00:00:00")
}

/// A minute of the two days; `more` is what its value is above the usual.
fn minute(number: i64, more: i64) -> Body {
    let from = start().plus_ms(number * MINUTE_MS);
    let area = format!("a21026-Avg={}.{},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", 80 + more + number % 13, number % 10);
    frame_body(&packet("2051", from.plus_ms(MINUTE_MS + 300), from, &area))
}

/// A packet of the logger's with a text in a value, a mark, a name and a field of its own.
fn strange(number: i64, text: &[u8]) -> Body {
    let from = start().plus_ms(number * MINUTE_MS);
    let head = format!("QN={};ST=31;CN=2051;PW=123456;MN={MN};Flag=5;CP=&&DataTime={};", from.plus_ms(MINUTE_MS + 700).wire_ms(), from.wire());
    let area = [b"a21026-Avg=".as_slice(), text, b",a21026-Flag=", text, b";", text, b"-Avg=1;Note=", text, b"&&"].concat();
    frame_body(&encode::frame(&[head.as_bytes(), &area].concat()))
}

/// Texts that a column of text refuses, or only just takes.
const TEXTS: [&[u8]; 8] = [b"\0", b"N\0", b"\xFF", b"N\xFF\xFE", b"\xC3\x28", b"\xED\xA0\x80", "\u{FEFF}".as_bytes(), "\u{10FFFF}".as_bytes()];

fn outlet() -> OutletId {
    OutletId::new(OUTLET).expect("short")
}

fn declared(id: &str, reason: &str) -> Declaration {
    Declaration {
        id: id.to_owned(),
        outlet: outlet(),
        factor: None,
        mark: DeclarationKind::Maintenance,
        from: at("2026-03-30 09:00:00"),
        to: at("2026-03-30 10:30:00"),
        reason: reason.to_owned(),
        document: "维护记录 17".to_owned(),
        author: "张三".to_owned(),
        made_at: at("2026-03-30 11:00:00"),
        withdrawn: false,
        entered: None,
        changed: None,
    }
}

fn declaration(id: &str, reason: &str) -> Body {
    Body::Declaration(declared(id, reason))
}

fn comparison(id: &str, passed: bool) -> Body {
    Body::Comparison(Comparison {
        id: id.to_owned(),
        outlet: outlet(),
        factor: FactorCode::new("a21026").expect("short"),
        at: at("2026-03-31 15:00:00"),
        passed,
        method: "HJ 75-2017".to_owned(),
        reference: "81.2".to_owned(),
        measured: "95.0".to_owned(),
        document: "报告 3".to_owned(),
        author: "实验室".to_owned(),
        withdrawn: false,
    })
}

fn visit(id: &str) -> Body {
    let (from, to) = (at("2026-03-30 14:00:00"), at("2026-03-30 16:00:00"));
    let (by, document) = ("执法一队".to_owned(), String::new());
    Body::Visit(Visit { id: id.to_owned(), outlet: outlet(), from, to, by, document, withdrawn: false })
}

/// What the comparison of all outlets would say of one: that it rises and falls with another.
pub fn in_step(outlet: &str, day: &str, name: &str) -> Body {
    let other = OtherOutlet { id: OutletId::new("Z9").expect("short"), name: name.to_owned(), name_en: String::new(), same_site: false };
    let sight = Sight::InStep { other, lag_h: 24, correlation: Decimal::new(987, 3), of: 160 };
    let seen = vec![Neighbour { factor: FactorCode::new("a21026").expect("short"), sight }];
    Body::Neighbours(Neighbours { outlet: OutletId::new(outlet).expect("short"), day: Day::parse(day).expect("a day"), seen })
}

/// Two days by the minute, two more of nothing but time, and one of everything else that an entry can be.
fn journal() -> Vec<(Moment, Body)> {
    let files = registry("11", &[SO2_DAY_80]);
    let mut looser = files.clone();
    let limits = looser.0.get_mut("limits.csv").expect("a file");
    *limits = limits.replace(",max,80,", ",max,82,");
    let mn = Mn::new(MN).expect("short");
    let mut rules = RuleSet::default();
    // Time is told every five minutes only, and that is no outage.
    rules.outage_gap_secs.value = 400;
    let (zero, gateway) = ("192.0.2.9\0:4000".to_owned(), "g\0\u{10FFFF}".to_owned());
    let mut journal = vec![(start().plus_ms(-1), Body::RegistryVersion { files })];
    journal.extend((0..2 * 24 * 60).map(|number| (start().plus_ms((number + 1) * MINUTE_MS + 300), minute(number, 0))));
    journal.extend((0..4 * 288).map(|tick| (start().plus_ms(tick * 5 * MINUTE_MS + 17), Body::Tick {})));
    journal.extend(TEXTS.iter().zip(1..).map(|(text, hour)| (start().plus_ms(hour * HOUR_MS + 45_000), strange(hour * 60 - 1, text))));
    // An hour comes once more, with other values, when its day has long been published; and a part of it again, just before the end.
    journal.extend((0..60).map(|number| (at("2026-04-01 20:00:00").plus_ms(number * 100), minute(14 * 60 + number * 13 % 60, 5))));
    journal.extend((0..5).map(|number| (at("2026-04-02 23:54:30").plus_ms(number * 100), minute(14 * 60 + number, 9))));
    let unknown = b"QN=20260330080030000;ST=31;CN=2051;PW=123456;MN=\xFF\xFE;Flag=5;CP=&&DataTime=20260330080000;a21026-Avg=1&&";
    let rejected =
        Body::Rejected { reason: "not_hj212".to_owned(), detail: "\0".to_owned(), bytes: (0..=255).collect(), len: 256, peer: zero.clone() };
    let outage = Outage { scope: OutageScope::Region, name: "区\0".to_owned(), from: at("2026-03-30 05:00:00"), to: None, silent: (3, 4) };
    journal.extend([
        (at("2026-03-30 08:01:00"), frame_body(&encode::frame(unknown))),
        (at("2026-03-30 08:02:00"), Body::Repeat { of: 2, mn, peer: zero.clone() }),
        (at("2026-03-30 08:03:00"), rejected),
        (at("2026-03-30 08:04:00"), Body::LinkUp { gateway: gateway.clone(), connection: 7, peer: zero.clone() }),
        (at("2026-03-30 08:05:00"), Body::LinkDown { gateway, connection: 7, peer: zero, reason: "peer".to_owned() }),
        (at("2026-03-30 08:06:00"), Body::Survey(Survey { outages: vec![outage] })),
        (at("2026-03-30 12:00:00"), Body::RuleSetVersion { text: rules.text() }),
        (at("2026-03-30 12:01:00"), declaration("b", "更换滤芯")),
        (at("2026-03-30 12:01:00"), declaration("a", "更换滤芯")),
        (at("2026-03-30 12:01:00"), declaration("b", "更换滤芯及校准")),
        (at("2026-03-30 12:01:00"), declaration("n\0", "\0")),
        (at("2026-03-31 16:00:00"), comparison("1", false)),
        (at("2026-03-31 16:01:00"), visit("v\0")),
        (at("2026-03-31 16:02:00"), visit("一队 17")),
        (at("2026-03-31 17:00:00"), in_step(OUTLET, "2026-03-30", "乙\0厂")),
        (at("2026-03-31 17:01:00"), Body::NeighboursDone { day: start().day() }),
        (at("2026-03-31 18:00:00"), comparison("1", true)),
        (at("2026-04-01 21:00:00"), Body::RegistryVersion { files: looser }),
        (at("2026-04-01 22:00:00"), Body::Recount { outlet: outlet(), day: start().day(), depth: Depth::Readings }),
    ]);
    journal.sort_by_key(|(at, _)| *at);
    journal
}

/// Runs entries through the engine into the store as `serve` does, so many at a time, and the surveys that follow from them.
async fn run(store: &mut Store, engine: &mut Engine, bodies: &[(Moment, Body)], batch: usize) {
    for part in bodies.chunks(batch) {
        step(store, engine, part).await;
        if let Some(survey) = engine.survey() {
            step(store, engine, &[(engine.now(), Body::Survey(survey))]).await;
        }
    }
}

async fn step(store: &mut Store, engine: &mut Engine, part: &[(Moment, Body)]) {
    let entries: Vec<Entry> =
        (engine.sequence() + 1..).zip(part).map(|(sequence, (at, body))| Entry { sequence, at: *at, body: body.clone() }).collect();
    let mut rest = &entries[..];
    let mut recalled = Vec::new();
    while !rest.is_empty() {
        let step = engine.step(rest, std::mem::take(&mut recalled));
        let (taken, left) = rest.split_at(step.taken);
        store.commit(taken, &step.writes, Vec::new(), 0).await.expect("committed");
        rest = left;
        recalled = if step.wants.is_empty() { Vec::new() } else { store.recall(&step.wants).await.expect("recalled") };
    }
}

/// A database that nothing was written to, and its engine.
async fn new_house(url: &DatabaseUrl, durable: bool) -> (Store, Engine) {
    let mut store = Store::open(url, durable).await.expect("opened");
    let engine = Engine::new(store.snapshot().await.expect("an empty one"), false);
    (store, engine)
}

/// What a store gives back, by name.
type Told = Vec<(&'static str, String)>;

fn told<T: std::fmt::Debug>(name: &'static str, value: T) -> (&'static str, String) {
    (name, format!("{value:?}"))
}

/// Everything that the store gives back. The snapshot is taken apart, so that a new field is not forgotten here.
async fn tell(url: &DatabaseUrl, store: &mut Store) -> Told {
    let Snapshot {
        sequence,
        now,
        registry,
        rule_sets,
        heads,
        days,
        reopened,
        recounts,
        mut declarations,
        mut comparisons,
        mut visits,
        began,
        mut cases,
        befores,
        silences,
        outages,
        heard,
        last_tick,
        surveyed,
        neighbours_until,
        last_at: _, // Of hot blocks; the last hours are always there.
        recent,
    } = store.snapshot().await.expect("a snapshot");
    // Their order means nothing to the engine.
    declarations.sort_by(|one, other| one.id.cmp(&other.id));
    comparisons.sort_by(|one, other| one.id.cmp(&other.id));
    visits.sort_by(|one, other| one.id.cmp(&other.id));
    cases.sort_by_key(|case| case.id);
    let mut all = vec![
        told("sequence", sequence),
        told("now", now),
        told("registry", registry),
        told("rule_sets", rule_sets),
        told("heads", heads),
        told("days", days),
        told("reopened", reopened),
        told("recounts", recounts),
        told("declarations", declarations),
        told("comparisons", comparisons),
        told("visits", visits),
        told("began", began),
        told("cases", cases),
        told("befores", befores),
        told("silences", silences),
        told("outages", outages),
        told("heard", heard),
        told("last_tick", last_tick),
        told("surveyed", surveyed),
        told("neighbours_until", neighbours_until),
        told("recent", recent),
    ];
    let first = start().day();
    let loggers = vec![Mn::new(MN).expect("short"), Mn::new("never heard of").expect("short")];
    let want = |day: i32, frames: bool| Want {
        key: OutletDay { outlet: outlet(), day: Day(first.0 + day) },
        loggers: loggers.clone(),
        frames,
        row: true,
        past: frames.then_some(7),
    };
    let wants: Vec<Want> = (-1..4).flat_map(|day| [want(day, true), want(day, false)]).collect();
    let recalled = store.recall(&wants).await.expect("recalled");
    assert!(recalled.iter().any(|day| day.past.as_ref().is_some_and(|past| past.days.len() > 1)), "days leave something for the rules of spans");
    all.push(told("recalled", recalled));
    all.push(told("day row", store.day_row(wants[2].key).await.expect("read")));
    all.push(told("versions", store.versions().await.expect("read")));
    all.push(told("statements", store.declarations().await.expect("read")));
    all.push(told("carries", store.carries().await.expect("read")));
    all.push(told("journal", entries(store).await));
    all.push(told("events", events(url).await));
    all
}

/// All entries of the journal, in order.
async fn entries(store: &mut Store) -> Vec<Entry> {
    let mut entries = Vec::new();
    for hour in store.journal_hours().await.expect("hours") {
        entries.extend(store.entries_of_hour(hour).await.expect("entries"));
    }
    entries
}

/// What waits for the sinks.
async fn events(url: &DatabaseUrl) -> Vec<Event> {
    let mut outbox = Store::outbox(url).await.expect("the outbox");
    let rows = outbox.next(0, u32::MAX).await.expect("read");
    assert_eq!(outbox.waiting().await.expect("counted"), rows.len() as u64);
    rows.into_iter().map(|(_, event)| event).collect()
}

async fn expect_whole(store: &mut Store) {
    let audit = store.verify(|_, _, _| {}).await.expect("it can be read");
    assert!(audit.faults.is_empty() && audit.links > 0, "{audit:?}");
}

/// Says what differs, and where it begins to.
fn expect_alike(when: &str, one: &Told, other: &Told) {
    for ((name, one), (_, other)) in one.iter().zip(other) {
        if one != other {
            let common = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
            let around =
                |text: &str| String::from_utf8_lossy(&text.as_bytes()[common.saturating_sub(200)..(common + 200).min(text.len())]).into_owned();
            panic!("{when}, {name} differs at {common}:\n{}\n{}", around(one), around(other));
        }
    }
}

/// One house: packets, a restart, hours sealed, more packets; what is told at each stage.
async fn story(url: &DatabaseUrl) -> Vec<(&'static str, Told)> {
    let journal = journal();
    // The restart comes while the logger is silent.
    let (first, rest) = journal.split_at(journal.partition_point(|(when, _)| *when < at("2026-04-01 15:00:00")));
    assert!(!Store::exists(url).await.expect("asked"));
    let (mut store, mut engine) = new_house(url, false).await;
    run(&mut store, &mut engine, first, 100).await;
    let mut stages = vec![("before the restart", tell(url, &mut store).await)];
    drop(store);

    assert!(Store::exists(url).await.expect("asked"));
    let mut store = Store::open(url, false).await.expect("opened again");
    let again = tell(url, &mut store).await;
    expect_alike("after the restart", &stages[0].1, &again);
    expect_whole(&mut store).await;
    let mut hours = 0;
    while store.seal_hour(engine.now()).await.expect("sealed").is_some() {
        hours += 1;
    }
    assert!(hours > 24, "{hours} hours were sealed");
    expect_whole(&mut store).await;
    let mut sealed = tell(url, &mut store).await;
    expect_alike("after the seal", &again, &sealed);
    drop(store);
    let mut store = Store::open(url, false).await.expect("opened a third time");
    sealed = tell(url, &mut store).await;
    expect_alike("after the seal and a restart", &again, &sealed);

    let mut engine = Engine::new(store.snapshot().await.expect("a snapshot"), false);
    run(&mut store, &mut engine, rest, 7).await;
    expect_whole(&mut store).await;
    stages.push(("at the end", tell(url, &mut store).await));
    // Beside the writer.
    let mut reader = Store::read(url).await.expect("read");
    expect_alike("for a reader", &stages[1].1, &tell(url, &mut reader).await);

    // What came lies there as it came; the surveys are the engine's own, but one.
    let stored = entries(&mut store).await;
    let came = journal.iter().map(|(_, body)| body).filter(|body| !matches!(body, Body::Survey(_)));
    assert!(stored.iter().map(|entry| &entry.body).filter(|body| !matches!(body, Body::Survey(_))).eq(came));
    store.forget_delivered(i64::MAX).await.expect("forgotten");
    assert!(events(url).await.is_empty());
    stages
}

#[test]
fn both_databases_tell_the_same_story() {
    let server = Server::start();
    let folder = Folder::new();
    runtime().block_on(async {
        let file = DatabaseUrl::Sqlite(folder.0.join("story.sqlite"));
        let (one, other) = (story(&file).await, story(&server.database("story").await).await);
        for ((when, one), (_, other)) in one.iter().zip(&other) {
            expect_alike(when, one, other);
        }
        for name in ["cases", "silences", "outages", "declarations", "comparisons", "visits", "befores", "reopened", "carries", "events"] {
            let says = |told: &Told| told.iter().any(|(known, text)| *known == name && !["[]", "{}"].contains(&text.as_str()));
            assert!(one.iter().any(|(_, told)| says(told)), "nothing was told of {name}");
        }
    });
}

#[test]
fn who_opens_a_database_ends_the_writing_of_whoever_had_it() {
    let server = Server::start();
    let folder = Folder::new();
    runtime().block_on(async {
        for url in [DatabaseUrl::Sqlite(folder.0.join("fenced.sqlite")), server.database("fenced").await] {
            let journal = journal();
            let mut first = Store::open(&url, false).await.expect("opened");
            let mut engine = Engine::new(first.snapshot().await.expect("an empty one"), false);
            run(&mut first, &mut engine, &journal[..500], 50).await;
            let before = engine.sequence();

            let mut second = Store::open(&url, false).await.expect("opened by another");
            let entries = [Entry { sequence: before + 1, at: engine.now(), body: Body::Tick {} }];
            let late = engine.step(&entries, Vec::new());
            let refused = first.commit(&entries, &late.writes, Vec::new(), 0).await;
            assert!(matches!(refused, Err(StoreError::Fenced(1))), "{url}: {refused:?}");
            let refused = first.seal_hour(engine.now().plus_ms(24 * HOUR_MS)).await;
            assert!(matches!(refused, Err(StoreError::Fenced(1))), "{url}: {refused:?}");
            drop(first);

            let mut engine = Engine::new(second.snapshot().await.expect("a snapshot"), false);
            assert_eq!(engine.sequence(), before, "{url}: nothing of the first is there");
            run(&mut second, &mut engine, &journal[500..600], 50).await;
            expect_whole(&mut second).await;
        }
    });
}

#[test]
fn connections_killed_in_the_middle_of_commits_cost_nothing_and_double_nothing() {
    let server = Server::start();
    let folder = Folder::new();
    runtime().block_on(async {
        let journal = journal();
        let calm = DatabaseUrl::Sqlite(folder.0.join("calm.sqlite"));
        let (mut store, mut engine) = new_house(&calm, false).await;
        run(&mut store, &mut engine, &journal, 4).await;
        let expected = tell(&calm, &mut store).await;

        let url = server.database("killed").await;
        let (mut store, mut engine) = new_house(&url, false).await;
        let mut killer = server.connect("killed").await;
        let done = Cell::new(false);
        let work = async {
            run(&mut store, &mut engine, &journal, 4).await;
            done.set(true);
        };
        let kill = async {
            // Whoever is in a transaction is killed, as soon as so many commits have come through; how far it is then is as chance has it.
            let in_transaction = "SELECT pg_terminate_backend(a.pid), s.commits FROM pg_stat_activity AS a CROSS JOIN shards AS s \
                 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL AND s.commits >= $1";
            let (mut kills, mut commits, mut patience) = (0, 1, deadline());
            while !done.get() {
                assert!(!passed(patience), "after {kills} kills no further {commits} commits");
                let killed = sqlx::query(in_transaction).bind(commits).fetch_all(&mut killer).await.expect("asked");
                if let Some(row) = killed.first() {
                    kills += killed.len() as i64;
                    (commits, patience) = (row.get::<i64, _>(1) + 1 + kills * 37 % 71, deadline());
                }
            }
            kills
        };
        let ((), kills) = tokio::join!(work, kill);
        assert!(kills >= 5, "{kills} connections were killed");
        // The last kill may have come after the last commit.
        drop(store);
        let mut store = Store::open(&url, false).await.expect("opened again");
        let killed = tell(&url, &mut store).await;
        expect_alike("after the kills", &expected, &killed);
        expect_whole(&mut store).await;
    });
}

/// A setting of the whole server, at once.
async fn set(connection: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(&mut *connection).await.expect("set");
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut *connection).await.expect("loaded");
}

#[test]
fn a_commit_whose_outcome_was_lost_with_its_connection_is_there_once() {
    let server = Server::start();
    runtime().block_on(async {
        let url = server.database("lost").await;
        let (mut store, mut engine) = new_house(&url, true).await;
        let mut watcher = server.connect("lost").await;
        let done = Cell::new(false);
        let work = async {
            while !done.get() {
                let at = engine.now().max(start()).plus_ms(1000);
                run(&mut store, &mut engine, &[(at, Body::Tick {})], 1).await;
            }
        };
        // A server that waits for a standby has committed, and says so only when the standby has: it never will.
        let cut = async {
            set(&mut watcher, "ALTER SYSTEM SET synchronous_standby_names = 'absent'").await;
            let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'";
            let patience = deadline();
            let pid: i32 = loop {
                if let Some(row) = sqlx::query(waiting).fetch_optional(&mut watcher).await.expect("asked") {
                    break row.get(0);
                }
                assert!(!passed(patience), "no commit waits for the standby");
            };
            sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut watcher).await.expect("ended");
            set(&mut watcher, "ALTER SYSTEM RESET synchronous_standby_names").await;
            done.set(true);
        };
        tokio::join!(work, cut);
        let sequences: Vec<u64> = entries(&mut store).await.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, Vec::from_iter(1..=engine.sequence()));
        let snapshot = store.snapshot().await.expect("a snapshot");
        assert_eq!((snapshot.sequence, snapshot.now), (engine.sequence(), engine.now()));
    });
}

/// The months that the means have.
async fn months(connection: &mut PgConnection) -> Vec<String> {
    let names = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'means'::regclass ORDER BY 1";
    let rows = sqlx::query(names).fetch_all(connection).await.expect("read");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn months_are_made_before_they_come_and_again_where_somebody_dropped_one() {
    let server = Server::start();
    runtime().block_on(async {
        let url = server.database("months").await;
        let (mut store, mut engine) = new_house(&url, false).await;
        run(&mut store, &mut engine, &journal(), 1000).await;
        let mut other = server.connect("months").await;
        assert!(months(&mut other).await.contains(&"means_2026_03".to_owned()), "made when something was written in it");
        store.make_months_ahead(at("2026-04-02 00:00:00")).await.expect("made");
        assert_eq!(months(&mut other).await, ["means_2026_03", "means_2026_04", "means_2026_05", "means_2026_06"]);
        // Somebody archives a month, and drops it.
        drop(store);
        let drop_march = "DROP TABLE means_2026_03; DROP TABLE findings_2026_03; DROP TABLE sealed_2026_03";
        sqlx::raw_sql(drop_march).execute(&mut other).await.expect("dropped");
        let mut store = Store::open(&url, false).await.expect("opened again");
        // What comes late for a month that went makes it again.
        run(&mut store, &mut engine, &[(at("2026-04-03 12:00:00"), Body::RegistryVersion { files: registry("11", &[]) })], 1).await;
        run(&mut store, &mut engine, &[(at("2026-04-03 13:00:00"), Body::Tick {})], 1).await;
        assert!(months(&mut other).await.contains(&"means_2026_03".to_owned()));
    });
}

#[test]
fn old_months_of_outputs_are_dropped_and_the_journal_stays() {
    let server = Server::start();
    runtime().block_on(async {
        let url = server.database("old").await;
        let (mut store, mut engine) = new_house(&url, false).await;
        run(&mut store, &mut engine, &journal(), 1000).await;
        let mut other = server.connect("old").await;
        let journal_before = entries(&mut store).await;
        store.make_months_ahead(at("2026-05-02 00:00:00")).await.expect("made");
        assert_eq!(store.drop_old_months(at("2026-05-02 00:00:00"), 0).await.expect("asked"), [], "0 keeps all");
        assert_eq!(store.drop_old_months(at("2026-05-02 00:00:00"), 2).await.expect("asked"), [], "March is one of two months before May");
        assert!(months(&mut other).await.contains(&"means_2026_03".to_owned()));
        assert_eq!(store.drop_old_months(at("2026-05-02 00:00:00"), 1).await.expect("dropped"), [Day::parse("2026-03-01").expect("a day")]);
        assert_eq!(months(&mut other).await, ["means_2026_04", "means_2026_05", "means_2026_06", "means_2026_07"]);
        assert_eq!(entries(&mut store).await, journal_before);
        // What is published for such a month later makes it again.
        run(&mut store, &mut engine, &[(at("2026-04-03 12:00:00"), Body::RegistryVersion { files: registry("11", &[]) })], 1).await;
        run(&mut store, &mut engine, &[(at("2026-04-03 13:00:00"), Body::Tick {})], 1).await;
        assert!(months(&mut other).await.contains(&"means_2026_03".to_owned()));
        // Nor does it stop a shard that another one has dropped a month that it knew.
        sqlx::raw_sql("DROP TABLE means_2026_03; DROP TABLE findings_2026_03").execute(&mut other).await.expect("dropped");
        run(&mut store, &mut engine, &[(at("2026-04-03 14:00:00"), Body::RegistryVersion { files: registry("11", &[SO2_DAY_80]) })], 1).await;
        run(&mut store, &mut engine, &[(at("2026-04-03 15:00:00"), Body::Tick {})], 1).await;
        assert!(months(&mut other).await.contains(&"means_2026_03".to_owned()));
    });
}

#[test]
fn a_server_that_does_not_let_us_in_is_named_and_no_password_shown() {
    let server = Server::start();
    runtime().block_on(async {
        server.database("named").await;
        let mut connection = server.connect("named").await;
        let guard = fs::read_to_string(server.home().join("data/pg_hba.conf")).expect("read");
        fs::write(server.home().join("data/pg_hba.conf"), format!("local all guarded scram-sha-256\n{guard}")).expect("written");
        let role = "CREATE ROLE guarded LOGIN PASSWORD 'offenes-geheimnis'";
        sqlx::raw_sql(role).execute(&mut connection).await.expect("made");
        set(&mut connection, "ALTER SYSTEM SET password_encryption = 'scram-sha-256'").await;
    });
    let home = server.home();
    let at = |user: &str, database: &str, home: &Path| format!("postgres://{user}@localhost:5432/{database}?host={}", home.display());
    let cases = [
        (at("guarded:geheim", "named", &home), "password authentication failed"),
        (at("guarded:offenes-geheimnis", "named", &home), "permission denied"),
        (at("postgres:geheim", "unknown", &home), "database \"unknown\" does not exist"),
        (at("postgres:geheim", "named", &server.folder.0), "No such file or directory"),
        ("mysql://postgres:geheim@localhost/named".to_owned(), "sqlite:PATH or postgres://"),
    ];
    for (url, expected) in cases {
        let folder = Folder::new();
        let rows = folder.registry(&registry("11", &[SO2_DAY_80]));
        let mut serve = Command::new(env!("CARGO_BIN_EXE_hj212d"));
        serve.arg("serve").arg("--registry").arg(rows).arg("--data").arg(folder.0.join("data"));
        serve.env("HJ212D_DATA__DATABASE", &url).env("HJ212D_LISTEN__ADDRESS", "127.0.0.1:0").env("HJ212D_HTTP__ADDRESS", "127.0.0.1:0");
        let output = serve.output().expect("it runs and ends");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.code().is_some_and(|code| code > 0), "{url}: {said}");
        assert!(said.contains(expected), "{url}: {said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}

/// Loggers that send minutes, and loggers that send hours only.
const BY_MINUTE: u64 = 140;
const BY_HOUR: u64 = 360;

/// A recorded day of a city: late data, declarations, a register and a rule set that change, a step of nobody's case.
pub fn recorded() -> Vec<(Moment, Body)> {
    let value = |logger: u64, number: i64| format!("{}.{}", 50 + (logger % 7) * 6 + (number.unsigned_abs() * 7 + logger) % 11, number % 10);
    let record = |logger: u64, cn: &str, from: Moment, length_ms: i64, number: i64| {
        let (qn, mn) = (from.plus_ms(length_ms + 300 + logger as i64).wire_ms(), mn(logger));
        let area = format!("DataTime={};a21026-Avg={},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", from.wire(), value(logger, number));
        let segment = encode::Segment {
            qn: Some(&qn),
            st: "31",
            cn,
            pw: Some("123456"),
            mn: Some(&mn),
            flag: Some(5),
            area: &area,
            ..encode::Segment::default()
        };
        frame_body(&segment.frame())
    };
    let files = city(BY_MINUTE + BY_HOUR);
    let mut looser = files.clone();
    let limits = looser.0.get_mut("limits.csv").expect("a file");
    *limits = limits.replace("\nC6,a21026,max,80,", "\nC6,a21026,max,79,").replace("\nC5,a21026,max,80,", "\nC5,a21026,max,95,");
    let mut rules = RuleSet::default();
    rules.silence_min.value = 20;
    let mut journal = vec![(start().plus_ms(-1), Body::RegistryVersion { files })];
    for logger in 1..=BY_MINUTE {
        for number in 0..24 * 60 {
            let from = start().plus_ms(number * MINUTE_MS);
            // Every ninth logger is cut off from three to five, and sends that in the evening.
            let late = if logger % 9 == 0 && (180..300).contains(&number) { 17 * HOUR_MS } else { 0 };
            journal.push((from.plus_ms(MINUTE_MS + late + logger as i64 * 97), record(logger, "2051", from, MINUTE_MS, number)));
        }
    }
    for logger in BY_MINUTE + 1..=BY_MINUTE + BY_HOUR {
        for number in 0..24 {
            let from = start().plus_ms(number * HOUR_MS);
            journal.push((from.plus_ms(HOUR_MS + logger as i64 * 97), record(logger, "2061", from, HOUR_MS, number)));
        }
    }
    journal.extend((0..42 * 60).map(|minute| (start().plus_ms(minute * MINUTE_MS + 17), Body::Tick {})));
    for number in 1..=20_u64 {
        let said =
            Declaration { outlet: OutletId::new(&format!("C{}", number * 5)).expect("short"), ..declared(&format!("D-{number}"), "更换滤芯") };
        journal.push((start().plus_ms(38 * HOUR_MS + number as i64 * 1000), Body::Declaration(said)));
    }
    journal.push((start().plus_ms(14 * HOUR_MS), Body::RuleSetVersion { text: rules.text() }));
    // The day was confirmed at one in the afternoon, and compared after that.
    journal.extend((1..=12).map(|number| {
        let at = start().plus_ms(38 * HOUR_MS + 1_800_000 + number * 1000);
        (at, in_step(&format!("C{number}"), "2026-03-30", "乙厂"))
    }));
    journal.push((start().plus_ms(38 * HOUR_MS + 1_900_000), Body::NeighboursDone { day: start().day() }));
    journal.push((start().plus_ms(39 * HOUR_MS), Body::RegistryVersion { files: looser }));
    journal.sort_by_key(|(at, _)| *at);
    journal
}

#[test]
fn one_recorded_journal_of_five_hundred_loggers_gives_the_same_bytes_on_both_databases() {
    let server = Server::start();
    let folder = Folder::new();
    runtime().block_on(async {
        let journal = recorded();
        assert!(journal.len() >= 200_000, "{}", journal.len());
        let file = DatabaseUrl::Sqlite(folder.0.join("recorded.sqlite"));
        let mut told: Vec<(Vec<Event>, Told)> = Vec::new();
        // The size of a batch changes nothing either.
        for (url, batch) in [(file, 2000), (server.database("recorded").await, 700)] {
            let (mut store, mut engine) = new_house(&url, false).await;
            for part in journal.chunks(batch) {
                step(&mut store, &mut engine, part).await;
            }
            expect_whole(&mut store).await;
            told.push((events(&url).await, tell(&url, &mut store).await));
        }
        let (one, other) = (&told[0], &told[1]);
        let kinds: BTreeSet<&str> = one.0.iter().map(|event| event.kind.as_str()).collect();
        for kind in ["hj212.mean.hour", "hj212.mean.day", "hj212.referral.opened", "hj212.referral.revised", "hj212.referral.withdrawn"] {
            assert!(kinds.contains(kind), "{kind}: {kinds:?}");
        }
        for (one, other) in one.0.iter().zip(&other.0) {
            assert_eq!(serde_json::to_string(one).expect("JSON"), serde_json::to_string(other).expect("JSON"));
        }
        assert_eq!(one.0.len(), other.0.len());
        expect_alike("at the end", &one.1, &other.1);
    });
}
