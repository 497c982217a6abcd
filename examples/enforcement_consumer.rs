//! An enforcement system in small, to be copied: reads referrals (线索移送) from Kafka, drops what it has seen, keeps the order of
//! each case, and answers with a step (处置).
//!
//! ```text
//! cargo run --example enforcement_consumer -- --brokers 127.0.0.1:9092 --state seen.txt
//! cargo run --example enforcement_consumer -- --brokers 127.0.0.1:9092 --state seen.txt --take-up 大队一中队
//! ```
//!
//! Three things matter, and each has its line below:
//!
//! 1. Events are delivered at least once. `ce_id` is derived from the content: an id that was seen is dropped.
//! 2. All events of a case have one key and so one partition: read in order, and `case_sequence` only grows.
//! 3. The offset is committed after the work is done, never before.

use rdkafka::Message;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

const REFERRALS: &str = "hj212.referrals.v1";
const DISPOSITIONS: &str = "hj212.dispositions.v1";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let option = |name: &str| std::env::args().skip_while(|argument| argument != name).nth(1);
    let brokers = option("--brokers").ok_or("which cluster? --brokers HOST:PORT,…")?;
    let state = option("--state").ok_or("where to remember what was seen? --state FILE")?;
    let take_up = option("--take-up");

    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("group.id", option("--group").unwrap_or_else(|| "enforcement".to_owned()))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("enable.idempotence", "true").set("partitioner", "murmur2_random").create()?;
    consumer.subscribe(&[REFERRALS])?;

    // A real system keeps both in its database, in the transaction of its own work.
    let mut seen: BTreeSet<String> = fs::read_to_string(&state).unwrap_or_default().lines().map(str::to_owned).collect();
    let mut remember = File::options().append(true).create(true).open(&state)?;
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();

    loop {
        let message = consumer.recv().await?;
        let id = header(&message, "ce_id").ok_or("an event without ce_id")?;
        if !seen.contains(&id) {
            let referral: Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
            let case = text(&referral["case"]);
            let sequence = referral["case_sequence"].as_u64().ok_or("a referral without case_sequence")?;
            // Never smaller than the one before: the order of a case is kept. Equal never: that would be a repeat.
            if newest.insert(case.clone(), sequence).is_some_and(|before| before >= sequence) {
                return Err(format!("case {case}: {sequence} came after a later one").into());
            }
            println!("{case} {sequence} {} {} {}", text(&referral["change"]), text(&referral["outlet"]["id"]), text(&referral["kind"]));
            if let Some(by) = take_up.as_ref().filter(|_| referral["change"] == "opened") {
                let step = json!({"kind": "disposition", "id": format!("{case}-1"), "case": case, "step": "investigating", "by": by});
                let body = step.to_string();
                let record = FutureRecord::to(DISPOSITIONS).key(&case).payload(&body);
                producer.send(record, Duration::from_secs(30)).await.map_err(|(error, _)| error)?;
            }
            writeln!(remember, "{id}")?;
            remember.sync_data()?;
            seen.insert(id);
        }
        consumer.commit_message(&message, CommitMode::Async)?;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn header(message: &BorrowedMessage<'_>, name: &str) -> Option<String> {
    let header = message.headers()?.iter().find(|header| header.key == name)?;
    header.value.map(|value| String::from_utf8_lossy(value).into_owned())
}
