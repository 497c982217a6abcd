//! `hj212d doctor`: what is wrong is named with its mend, and what is right is not.

use crate::kafka::Broker;
use crate::postgres::Server;
use crate::process::{Folder, Logger, Serve, minute};
use crate::world::{SO2_DAY_80, registry};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Exit code, and every line.
fn doctor(data: &Path, environment: &[(&str, String)]) -> (Option<i32>, Vec<Value>) {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    doctor.args(["doctor", "--json", "--data"]).arg(data).envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let output = doctor.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(!text.contains("geheim"), "{text}");
    (output.status.code(), text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// What is said about one thing: its state and its English.
fn about<'l>(lines: &'l [Value], what: &str) -> Vec<(&'l str, &'l str)> {
    let lines = lines.iter().filter(|line| line["about"] == what);
    lines.map(|line| (line["state"].as_str().expect("a state"), line["en"].as_str().expect("words"))).collect()
}

#[test]
fn a_house_that_stands_is_fine_and_what_its_register_lacks_is_named() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let (code, lines) = doctor(&data, &[]);
    assert_eq!((code, about(&lines, "disk")[0].0), (Some(69), "fault"), "{lines:?}");

    let mut files = registry("11", &[SO2_DAY_80]);
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    let row = outlets.lines().nth(1).expect("a row").to_owned();
    let (_, rest) = row.split_once(',').expect("columns");
    outlets.push_str(&format!("LONELY-1,{rest}\n"));
    let rows = folder.registry(&files);
    let serve = Serve::start(&data, &rows, &["--demo-start", "2026-03-16"], &[]);
    assert!(Logger::connect(serve.address).expect("connected").exchange(&minute(1)).expect("answered").contains("CN=9014"));
    let (code, lines) = doctor(&data, &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(about(&lines, "database")[0].1.contains("can be read"), "{lines:?}");
    assert_eq!(about(&lines, "spread"), [("fine", "the deadlines of 2 outlets lie within 20 s, confirmations within 20 s")]);
    let [("warning", lacks)] = about(&lines, "registry")[..] else { panic!("{lines:?}") };
    assert!(lacks.contains("1 have no logger (LONELY-1)"), "{lacks}");
    assert!(lines.iter().filter(|line| line["state"] != "fine").all(|line| line["mend_zh"] != "" && line["mend_en"] != ""), "{lines:?}");
    assert_eq!(serve.stop(), Some(0));
}

#[test]
fn a_database_server_that_is_away_or_would_lose_data_is_a_fault() {
    let folder = Folder::new();
    let away = [("HJ212D_DATA__DATABASE", format!("postgres://hj212d:geheim@localhost:1/none?host={}", folder.0.display()))];
    let (code, lines) = doctor(&folder.0, &away);
    assert_eq!((code, about(&lines, "database")[0].0), (Some(69), "fault"), "{lines:?}");
    // The tests' own server does not wait for its disk.
    let server = Server::start();
    let (code, lines) = doctor(&folder.0, &[("HJ212D_DATA__DATABASE", server.address("postgres"))]);
    let said = about(&lines, "database");
    assert!(code == Some(69) && said[0].0 == "fault" && said[0].1.contains("fsync = off"), "{lines:?}");
    assert!(said.last().is_some_and(|(state, words)| *state == "fine" && words.contains("nothing was ever written")), "{lines:?}");
}

#[test]
fn a_cluster_that_is_away_lacks_topics_or_keeps_one_copy_is_named() {
    let folder = Folder::new();
    let (code, lines) = doctor(&folder.0, &[("HJ212D_KAFKA__BROKERS", "127.0.0.1:1".to_owned())]);
    assert_eq!((code, about(&lines, "kafka")[0].0), (Some(69), "fault"), "{lines:?}");
    let broker = Broker::start();
    let (_, lines) = doctor(&folder.0, &broker.environment());
    let [("warning", missing)] = about(&lines, "kafka")[..] else { panic!("{lines:?}") };
    assert!(missing.contains("hj212.referrals.v1") && missing.contains("hj212.dispositions.v1"), "{missing}");
    broker.make("hj212.dispositions.v1", &[("retention.ms", "3600000")]);
    let mut environment = broker.environment().to_vec();
    environment.push(("HJ212D_KAFKA__MAKE_TOPICS", "false".to_owned()));
    let (code, lines) = doctor(&folder.0, &environment);
    let said = about(&lines, "kafka");
    assert_eq!(code, Some(69));
    assert!(said[0].0 == "fault" && !said[0].1.contains("hj212.dispositions.v1"), "{said:?}");
    assert!(said[1].0 == "warning" && said[1].1.contains("one copy: hj212.dispositions.v1"), "{said:?}");
    assert!(said[2].0 == "warning" && said[2].1.contains("less long than planned: hj212.dispositions.v1"), "{said:?}");
}
