//! A real Apache Kafka: what leaves the house and comes in through it, while it is there, while it is not, and when it says no.

use crate::process::{Folder, Logger, Serve, deadline, journal, minute, passed, published, replayed};
use crate::world::{SO2_DAY_80, registry};
use hj212d::engine::Body;
use hj212d::message::{Event, Topic};
use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of its own for one test, on free ports and in a temporary folder; one broker, or three.
pub struct Broker {
    pub folder: Folder,
    login: Option<&'static str>,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    child: Option<Child>,
}

/// Kafka's programs, which `./test` fetches.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka");
    assert!(folder.join("kafka_2.13-4.4.0.jar").is_file(), "no Kafka in {}; ./test fetches it with Maven", folder.display());
    folder.join("*")
}

fn java(arguments: &[&str], folder: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-cp"]).arg(programs()).args(arguments);
    java.current_dir(folder).stdin(Stdio::null());
    java
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl Broker {
    pub fn start() -> Self {
        Self::with(None, 1)
    }

    /// Three brokers; every record has three copies, and two must be in sync.
    pub fn three() -> Self {
        Self::with(None, 3)
    }

    /// TLS, and the one user `hj212d` with this password.
    pub fn guarded(password: &'static str) -> Self {
        Self::with(Some(password), 1)
    }

    fn with(login: Option<&'static str>, count: usize) -> Self {
        let folder = Folder::new();
        if login.is_some() {
            make_certificate(&folder.0);
        }
        let controls: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let voters: Vec<String> = (1..).zip(&controls).map(|(id, port)| format!("{id}@127.0.0.1:{port}")).collect();
        let nodes = controls.iter().map(|_| Node { port: free_port(), child: None }).collect();
        let mut broker = Self { folder, login, nodes };
        for (node, control) in controls.iter().enumerate() {
            broker.format(node, &voters.join(","), *control);
        }
        broker.start_again();
        broker
    }

    fn format(&self, node: usize, voters: &str, control: u16) {
        let (home, port, inner, copies) = (self.folder.0.display(), self.nodes[node].port, free_port(), self.nodes.len());
        let (id, in_sync) = (node + 1, copies.max(2) - 1);
        let mut properties = format!(
            "process.roles=broker,controller\nnode.id={id}\ncontroller.quorum.voters={voters}\n\
             controller.listener.names=CONTROLLER\nlog.dirs={home}/log{id}\nauto.create.topics.enable=false\noffsets.topic.num.partitions=4\n\
             offsets.topic.replication.factor={copies}\ntransaction.state.log.replication.factor={copies}\n\
             transaction.state.log.min.isr={in_sync}\nshare.coordinator.state.topic.replication.factor={copies}\n\
             share.coordinator.state.topic.min.isr={in_sync}\ngroup.initial.rebalance.delay.ms=0\nbroker.session.timeout.ms=4000\n\
             broker.heartbeat.interval.ms=1000\n"
        );
        properties += &match self.login {
            None => format!(
                "listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}\nadvertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
                 inter.broker.listener.name=PLAINTEXT\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
            ),
            Some(_) => format!(
                "listeners=GUARDED://127.0.0.1:{port},INNER://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{control}\n\
                 advertised.listeners=GUARDED://127.0.0.1:{port},INNER://127.0.0.1:{inner}\ninter.broker.listener.name=INNER\n\
                 listener.security.protocol.map=CONTROLLER:PLAINTEXT,INNER:PLAINTEXT,GUARDED:SASL_SSL\n\
                 listener.name.guarded.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
                 listener.name.guarded.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
                 ssl.keystore.type=PEM\nssl.keystore.location={home}/broker.pem\n"
            ),
        };
        let file = format!("node{id}.properties");
        fs::write(self.folder.0.join(&file), properties).expect("written");
        let mut format = java(&["kafka.tools.StorageTool", "format", "-t", "aGoyMTJkLWZvci10ZXN0cw", "-c", &file], &self.folder.0);
        format.args(self.login.iter().flat_map(|password| ["--add-scram".to_owned(), format!("SCRAM-SHA-512=[name=hj212d,password={password}]")]));
        let formatted = format.output().expect("java runs");
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    }

    /// Starts what does not run, and waits until the cluster answers.
    pub fn start_again(&mut self) {
        for (node, id) in self.nodes.iter_mut().zip(1..).filter(|(node, _)| node.child.is_none()) {
            let log = fs::File::options().append(true).create(true).open(self.folder.0.join(format!("node{id}.log"))).expect("a file");
            let mut broker = java(&["kafka.Kafka", &format!("node{id}.properties")], &self.folder.0);
            broker.stdout(log.try_clone().expect("a file")).stderr(log);
            node.child = Some(broker.spawn().expect("java runs"));
        }
        let client: BaseProducer = self.client().create().expect("a client");
        let whole = |count: usize| count == self.nodes.len();
        let ready = || client.client().fetch_metadata(None, Duration::from_secs(1)).is_ok_and(|metadata| whole(metadata.brokers().len()));
        let deadline = deadline();
        while !ready() {
            assert!(!passed(deadline), "{}", fs::read_to_string(self.folder.0.join("node1.log")).unwrap_or_default());
        }
    }

    /// SIGKILL of one.
    pub fn kill_node(&mut self, node: usize) {
        if let Some(mut child) = self.nodes[node].child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGKILL of all.
    pub fn kill(&mut self) {
        (0..self.nodes.len()).for_each(|node| self.kill_node(node));
    }

    /// Which node leads a partition.
    pub fn leader_of(&self, topic: &str, partition: i32) -> usize {
        let client: BaseProducer = self.client().create().expect("a client");
        let metadata = client.client().fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        let partition = metadata.topics()[0].partitions().iter().find(|known| known.id() == partition).expect("the partition");
        usize::try_from(partition.leader() - 1).expect("it has a leader")
    }

    pub fn address(&self) -> String {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect::<Vec<String>>().join(",")
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        if let Some(password) = self.login {
            config.set("security.protocol", "sasl_ssl").set("sasl.mechanism", "SCRAM-SHA-512").set("sasl.username", "hj212d");
            config.set("sasl.password", password).set("ssl.ca.location", self.folder.0.join("authority.pem").display().to_string());
        }
        config
    }

    /// What `serve` needs to know of it.
    pub fn environment(&self) -> [(&'static str, String); 1] {
        [("HJ212D_KAFKA__BROKERS", self.address())]
    }

    /// Every record of a topic, in order within its partition, once as many are there as `enough` says.
    pub fn read(&self, topic: &str, enough: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let reader: BaseConsumer =
            self.client().set("group.id", "test").set("auto.offset.reset", "earliest").set("enable.auto.commit", "false").create().expect("a client");
        let metadata = reader.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        let mut places = rdkafka::TopicPartitionList::new();
        assert!(!metadata.topics()[0].partitions().is_empty(), "{topic} is not there");
        for partition in metadata.topics()[0].partitions() {
            places.add_partition_offset(topic, partition.id(), rdkafka::Offset::Beginning).expect("a place");
        }
        reader.assign(&places).expect("assigned");
        let mut seen = Vec::new();
        let mut quiet = 0;
        while !enough(&seen) {
            match reader.poll(Duration::from_secs(1)) {
                Some(Ok(message)) => {
                    let header = |header: rdkafka::message::Header<'_, &[u8]>| {
                        (header.key.to_owned(), String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned())
                    };
                    let headers = message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default();
                    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                    seen.push(Seen {
                        partition: message.partition(),
                        key: text(message.key()),
                        headers,
                        body: message.payload().unwrap_or_default().to_vec(),
                    });
                }
                Some(Err(error)) => panic!("{topic}: {error}"),
                None => quiet += 1,
            }
            assert!(quiet < 60, "{topic}: {} records, and no more come: {seen:?}", seen.len());
        }
        seen
    }

    /// How many records each partition of a topic had so far.
    pub fn ends(&self, topic: &str, partitions: i32) -> Vec<i64> {
        let client: BaseConsumer = self.client().set("group.id", "test").create().expect("a client");
        (0..partitions).map(|partition| client.fetch_watermarks(topic, partition, PATIENCE).expect("an answer").1).collect()
    }

    /// A record into one partition.
    pub fn write_to(&self, topic: &str, partition: i32, body: &[u8]) {
        let producer: BaseProducer = self.client().create().expect("a client");
        producer.send(BaseRecord::<str, [u8]>::to(topic).partition(partition).payload(body)).map_err(|(error, _)| error).expect("queued");
        producer.flush(PATIENCE).expect("delivered");
    }

    /// Drops the records of a partition before one, as its retention would.
    pub fn drop_before(&self, topic: &str, partition: i32, offset: i64) {
        use rdkafka::admin::{AdminClient, AdminOptions};
        let admin: AdminClient<_> = self.client().create::<AdminClient<rdkafka::client::DefaultClientContext>>().expect("a client");
        let mut places = rdkafka::TopicPartitionList::new();
        places.add_partition_offset(topic, partition, rdkafka::Offset::Offset(offset)).expect("a place");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(admin.delete_records(&places, &AdminOptions::new())).expect("dropped");
    }

    pub fn write(&self, topic: &str, records: &[(&str, Option<&[u8]>)]) {
        let producer: BaseProducer = self.client().create().expect("a client");
        for (key, body) in records {
            let record = BaseRecord::<str, [u8]>::to(topic).key(key);
            producer.send(body.iter().fold(record, |record, body| record.payload(body))).map_err(|(error, _)| error).expect("queued");
        }
        producer.flush(PATIENCE).expect("delivered");
    }

    /// Makes a topic as an administrator would.
    pub fn make(&self, topic: &str, settings: &[(&str, &str)]) {
        use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
        let admin: AdminClient<_> = self.client().create::<AdminClient<rdkafka::client::DefaultClientContext>>().expect("a client");
        let plan = settings.iter().fold(NewTopic::new(topic, 2, TopicReplication::Fixed(1)), |plan, (key, value)| plan.set(key, value));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let made = runtime.block_on(admin.create_topics([&plan], &AdminOptions::new())).expect("an answer");
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        // The controller has it before the broker's metadata say so.
        let seen = || admin.inner().fetch_metadata(None, PATIENCE).expect("metadata").topics().iter().any(|known| known.name() == topic);
        assert!((0..10_000).any(|_| seen()), "{topic} is nowhere to be seen");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A key and a certificate for 127.0.0.1 that vouches for itself.
fn make_certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-keyout", "key.pem", "-out", "authority.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("made");
    fs::write(folder.join("broker.pem"), read("key.pem") + &read("authority.pem")).expect("written");
}

/// A record as it lies in a topic.
#[derive(Debug, Clone)]
pub struct Seen {
    pub partition: i32,
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Those that a consumer has not seen before.
pub fn without_repeats(seen: &[Seen]) -> Vec<&Seen> {
    let mut known = BTreeSet::new();
    seen.iter().filter(|record| known.insert(record.headers["ce_id"].clone())).collect()
}

/// How many different events there are.
pub fn events(seen: &[Seen]) -> usize {
    without_repeats(seen).len()
}

const DEMO: [&str; 4] = ["--demo-time-scale", "60", "--demo-start", "2026-03-16"];

fn serve(folder: &Folder, environment: &[(&'static str, String)]) -> Serve {
    let rows = folder.registry(&registry("11", &[SO2_DAY_80]));
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Serve::start(&folder.0.join("data"), &rows, &DEMO, &environment)
}

fn send(serve: &Serve, minutes: std::ops::Range<i64>) {
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in minutes {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
}

/// What lies in Kafka is what the journal replays to: every event once for whoever drops repeats, as it was, in order within its key.
pub fn expect_delivered(broker: &Broker, expected: &BTreeMap<String, Vec<Event>>) -> usize {
    for (topic, events_of) in expected {
        let seen = broker.read(topic, |seen| events(seen) >= events_of.len());
        let mut by_key: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in events_of {
            by_key.entry(&event.key).or_default().push(event);
        }
        let mut came: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        let mut partitions: BTreeMap<&str, i32> = BTreeMap::new();
        for record in without_repeats(&seen) {
            came.entry(&record.key).or_default().push(record);
            assert_eq!(*partitions.entry(&record.key).or_insert(record.partition), record.partition, "a key stays in one partition");
        }
        assert_eq!(came.keys().collect::<Vec<_>>(), by_key.keys().collect::<Vec<_>>(), "{topic}");
        for (key, records) in came {
            assert_eq!(records.len(), by_key[key].len(), "{topic} {key}");
            for (record, event) in records.into_iter().zip(&by_key[key]) {
                let header = |name: &str| record.headers.get(name).map(String::as_str);
                assert_eq!(header("ce_id"), Some(event.id.to_string().as_str()), "{topic} {key}: in order");
                assert_eq!(header("ce_type"), Some(event.kind.as_str()));
                assert_eq!((header("ce_specversion"), header("ce_source")), (Some("1.0"), Some("hj212d")));
                assert_eq!((header("ce_subject"), header("ce_time")), (Some(event.subject.as_str()), Some(event.time.as_str())));
                assert_eq!(header("content-type"), Some("application/json"));
                assert_eq!(record.body, event.data.to_string().into_bytes());
            }
        }
    }
    expected.values().map(Vec::len).sum()
}

#[test]
fn events_reach_kafka_as_the_journal_replays_to_them_though_the_broker_was_away() {
    let mut broker = Broker::start();
    let folder = Folder::new();
    let serve = serve(&folder, &broker.environment());
    send(&serve, 0..400);
    serve.wait_for("hj212_events_delivered_total", |count| count >= 1.0);
    broker.kill();
    // Loggers are answered as before, and what should leave waits on the disk.
    send(&serve, 400..1440);
    serve.wait_for("hj212_referrals_total{change=\"opened\"}", |count| count >= 1.0);
    let waiting = serve.wait_for("hj212_outbox_rows", |rows| rows >= 1.0);
    assert!(serve.get("/readyz").starts_with("HTTP/1.1 200"));
    broker.start_again();
    serve.wait_for("hj212_outbox_rows", |rows| rows < waiting);
    assert_eq!(serve.stop(), Some(0));
    // A second run delivers what the first could not.
    let serve = self::serve(&folder, &broker.environment());
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    assert_eq!(serve.stop(), Some(0));
    let delivered = expect_delivered(&broker, &replayed(&journal(&folder.0.join("data"))));
    assert!(delivered > 25, "{delivered} events");
    assert!(published_nothing(&folder), "with Kafka nothing goes to files");
}

fn published_nothing(folder: &Folder) -> bool {
    let out = folder.0.join("data/out");
    !out.exists() || published(&folder.0.join("data")).is_empty()
}

#[test]
fn steps_come_from_kafka_under_any_key_and_what_is_none_lies_in_the_dead_letters() {
    let broker = Broker::start();
    let folder = Folder::new();
    let serve = serve(&folder, &broker.environment());
    send(&serve, 0..1440);
    let opened = broker.read("hj212.referrals.v1", |seen| !seen.is_empty());
    let case = opened[0].json()["case"].as_str().expect("a case").to_owned();
    let step = |id: &str, case: &str, step: &str| json!({"kind": "disposition", "id": id, "case": case, "step": step, "by": "一中队"}).to_string();
    let unknown = "00000000-0000-0000-0000-000000000000";
    let visit = json!({"kind": "event", "id": "V-1", "case": case, "what": "visit", "happened": "2026-03-16T10:00:00+08:00", "by": "一中队"});
    let records = [
        step("D-1", &case, "investigating"),
        step("D-1", &case, "investigating"),
        visit.to_string(),
        "no JSON \0".to_owned(),
        step("D-2", unknown, "investigating"),
        json!({"kind": "tick"}).to_string(),
        step("D-3", &case, "written_off"),
        step("D-4", &case, "confirmed"),
        json!({"kind": "disposition", "id": "D-5", "case": case, "step": "vanished", "by": ""}).to_string(),
    ];
    let bodies: Vec<(&str, Option<&[u8]>)> = records.iter().map(|record| ("any key", Some(record.as_bytes()))).chain([("k", None)]).collect();
    broker.write("hj212.dispositions.v1", &bodies);

    let moved = broker.read("hj212.referrals.v1", |seen| seen.iter().any(|record| record.json()["stage"] == "confirmed"));
    let of_case: Vec<Value> = without_repeats(&moved).iter().map(|record| record.json()).filter(|data| data["case"] == case.as_str()).collect();
    let changes: Vec<&str> = of_case.iter().map(|data| data["change"].as_str().expect("a word")).collect();
    assert_eq!(changes, ["opened", "progressed", "noted", "progressed"], "the repeat changed nothing");
    let dead = broker.read("hj212.deadletters.v1", |seen| events(seen) >= 6);
    let mut reasons: Vec<String> = without_repeats(&dead)
        .iter()
        .map(|record| record.headers.get("reason").cloned().unwrap_or_else(|| record.json()["reason"].as_str().expect("a reason").to_owned()))
        .collect();
    reasons.sort();
    let expected = [
        "no statement about a case: expected",
        "no statement about a case: unknown variant `tick`",
        "no statement about a case: unknown variant `vanished`",
        "no such case",
        "the record has no body",
        "the step does not follow",
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with(expected), "{reasons:?}");
    }
    assert_eq!(reasons.len(), 6, "{reasons:?}");
    assert!(dead.iter().any(|record| record.body == b"no JSON \0"), "a record lies there as it came");
    // Nothing is read a second time.
    assert_eq!(serve.stop(), Some(0));
    let serve = self::serve(&folder, &broker.environment());
    broker.write("hj212.dispositions.v1", &[("k", Some(step("D-6", &case, "rectified").as_bytes()))]);
    broker.read("hj212.referrals.v1", |seen| seen.iter().any(|record| record.json()["stage"] == "rectified"));
    assert_eq!(serve.stop(), Some(0));
    let steps = journal(&folder.0.join("data")).iter().filter(|entry| matches!(entry.body, Body::Disposition(_))).count();
    assert_eq!(steps, 6, "D-1 twice, D-2, D-3, D-4, D-6");
}

#[test]
fn a_login_over_tls_delivers_and_a_wrong_one_is_named_without_its_password() {
    // A password that a reader of numbers would spoil.
    let broker = Broker::guarded("0042");
    let folder = Folder::new();
    let settings = |password: &str| {
        [
            ("HJ212D_KAFKA__BROKERS", broker.address()),
            ("HJ212D_KAFKA__SECURITY", "sasl_ssl".to_owned()),
            ("HJ212D_KAFKA__AUTHORITIES", broker.folder.0.join("authority.pem").display().to_string()),
            ("HJ212D_KAFKA__USER", "hj212d".to_owned()),
            ("HJ212D_KAFKA__PASSWORD", password.to_owned()),
        ]
    };
    let serve = serve(&folder, &settings("falsches-geheimnis"));
    send(&serve, 0..60);
    serve.wait_for("hj212_broker_errors_total{reason=\"refused\"}", |count| count >= 1.0);
    serve.wait_for("hj212_outbox_rows", |rows| rows >= 1.0);
    let said = serve.lines().join("\n");
    assert!(said.contains("uthentication") && !said.contains("geheimnis"), "{said}");
    assert_eq!(serve.stop(), Some(0));
    let serve = self::serve(&folder, &settings("0042"));
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    assert_eq!(serve.stop(), Some(0));
    assert!(expect_delivered(&broker, &replayed(&journal(&folder.0.join("data")))) >= 1);
}

#[test]
fn a_topic_that_is_missing_holds_its_events_back_and_a_message_that_is_never_taken_holds_back_nobody() {
    let broker = Broker::start();
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Referrals) {
        broker.make(topic.name(), &[]);
    }
    let folder = Folder::new();
    let mut environment = broker.environment().to_vec();
    environment.push(("HJ212D_KAFKA__MAKE_TOPICS", "false".to_owned()));
    let serve = serve(&folder, &environment);
    send(&serve, 0..1440);
    serve.wait_for("hj212_delivery_failures_total{reason=\"refused\"}", |count| count >= 1.0);
    // Referrals are longer than this.
    broker.make("hj212.referrals.v1", &[("max.message.bytes", "2000")]);
    serve.wait_for("hj212_undeliverable_total", |count| count >= 1.0);
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    assert_eq!(serve.stop(), Some(0));
    let data = folder.0.join("data");
    let kept = fs::read_to_string(data.join("out/undeliverable.jsonl")).expect("kept");
    let kept: Value = serde_json::from_str(kept.lines().next().expect("a line")).expect("JSON");
    assert!(kept["reason"].as_str().is_some_and(|reason| reason.contains("too large")), "{kept}");
    let expected = replayed(&journal(&data));
    assert_eq!(kept["event"]["id"], expected["hj212.referrals.v1"][0].id.to_string());
    let days = &expected["hj212.means.day.v1"];
    broker.read("hj212.means.day.v1", |seen| events(seen) == days.len());
}

#[test]
fn the_example_sees_every_event_of_a_case_once_and_in_order_and_takes_cases_up() {
    let example = std::env::current_exe().expect("this program").with_file_name("../examples/enforcement_consumer");
    assert!(example.is_file(), "no {}; cargo build --examples", example.display());
    let broker = Broker::start();
    let folder = Folder::new();
    let serve = serve(&folder, &broker.environment());
    send(&serve, 0..1440);
    broker.read("hj212.referrals.v1", |seen| !seen.is_empty());
    let out = folder.0.join("consumer.txt");
    let run = || {
        let out = fs::File::options().append(true).create(true).open(&out).expect("a file");
        let mut example = Command::new(&example);
        example.args(["--brokers", &broker.address(), "--take-up", "一中队", "--state"]).arg(folder.0.join("seen.txt")).stdout(out);
        example.spawn().expect("it runs")
    };
    // It is killed after it has taken the case up, and begins again.
    let mut consumer = run();
    broker.read("hj212.referrals.v1", |seen| seen.iter().any(|record| record.json()["stage"] == "investigating"));
    let _ = consumer.kill();
    let _ = consumer.wait();
    let mut consumer = run();
    let lines = || fs::read_to_string(&out).expect("written").lines().map(str::to_owned).collect::<Vec<String>>();
    serve.wait_for("hj212_engine_time_seconds", |_| lines().iter().any(|line| line.contains(" progressed ")));
    let _ = consumer.kill();
    let _ = consumer.wait();
    assert_eq!(serve.stop(), Some(0));
    let lines = lines();
    let once: BTreeSet<&String> = lines.iter().collect();
    assert_eq!(once.len(), lines.len(), "{lines:?}");
    assert!(lines[0].contains(" 1 opened "), "{lines:?}");
}

#[test]
fn a_leader_that_is_killed_loses_nothing_and_with_too_few_replicas_nothing_counts_as_delivered() {
    let mut broker = Broker::three();
    let folder = Folder::new();
    let serve = serve(&folder, &broker.environment());
    send(&serve, 0..700);
    let hours = "hj212.means.hour.v1";
    let first = broker.read(hours, |seen| !seen.is_empty());
    let leader = broker.leader_of(hours, first[0].partition);
    broker.kill_node(leader);
    send(&serve, 700..1440);
    serve.wait_for("hj212_referrals_total{change=\"opened\"}", |count| count >= 1.0);
    // Two of three are enough.
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    // One is not: loggers are answered, and nothing is delivered that two do not have.
    let delivered = || serve.metric("hj212_events_delivered_total{topic=\"hj212.means.hour.v1\"}");
    let before = delivered();
    broker.kill_node((leader + 1) % 3);
    send(&serve, 1440..1500);
    serve.wait_for("hj212_delivery_failures_total{reason=\"away\"}", |count| count >= 1.0);
    assert_eq!(delivered(), before);
    assert!(serve.metric("hj212_outbox_rows").is_some_and(|rows| rows >= 1.0));
    broker.start_again();
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    assert_eq!(serve.stop(), Some(0));
    expect_delivered(&broker, &replayed(&journal(&folder.0.join("data"))));
}
