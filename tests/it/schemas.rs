//! The contracts of events: what the program prints, what it writes, and what may never change under the same name.

use crate::process::{Folder, minute, replayed};
use crate::world::{SO2_DAY_80, registry};
use hj212d::domain::time::{MINUTE_MS, Moment};
use hj212d::domain::{CaseStatement, Disposition, Stage};
use hj212d::engine::{Body, Entry};
use hj212d::message::{Event, documents};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn stored(name: &str) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder(name)).expect("a folder").map(|file| file.expect("a file").path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("UTF-8"))).collect()
}

#[test]
fn the_stored_contracts_are_what_the_program_prints() {
    let to = Folder::new();
    let status = Command::new(env!("CARGO_BIN_EXE_hj212d")).arg("schemas").arg(to.0.join("s")).status().expect("it runs");
    assert!(status.success());
    let (stored, printed) = (stored("schemas"), BTreeMap::from_iter(documents()));
    for (name, text) in &printed {
        assert_eq!(std::fs::read_to_string(to.0.join("s").join(name)).ok().as_ref(), Some(text), "{name}");
        assert!(stored.get(name) == Some(text), "schemas/{name} is not what the program says; print it anew: cargo run --release -- schemas schemas");
    }
    assert_eq!(stored.keys().collect::<Vec<_>>(), printed.keys().collect::<Vec<_>>());
}

/// What a reader of `old` would miss in `new`: members that are gone, or optional now, or of another type; words that are gone.
/// `read`: the document says what is taken, so that a member that must be there now breaks whoever leaves it out.
fn breaks(old: &Value, new: &Value, read: bool, place: &str, found: &mut Vec<String>) {
    let words = |schema: &Value, name: &str| -> BTreeSet<String> {
        schema[name].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    for kept in ["type", "const", "$ref", "format", "maxLength"] {
        if old[kept] != new[kept] && !old[kept].is_null() {
            found.push(format!("{place}: {kept} was {} and is {}", old[kept], new[kept]));
        }
    }
    for gone in words(old, "enum").difference(&words(new, "enum")) {
        found.push(format!("{place}: the word {gone} is gone"));
    }
    let (before, after) = (words(old, "required"), words(new, "required"));
    for member in if read { after.difference(&before) } else { before.difference(&after) } {
        found.push(format!("{place}/{member}: {}", if read { "must be there now" } else { "may be missing now" }));
    }
    for under in ["properties", "$defs"] {
        for (name, member) in old[under].as_object().into_iter().flatten() {
            match new[under].get(name) {
                Some(now) => breaks(member, now, read, &format!("{place}/{name}"), found),
                None => found.push(format!("{place}/{name}: is gone")),
            }
        }
    }
    for under in ["items", "additionalProperties"] {
        if old[under].is_object() {
            breaks(&old[under], &new[under], read, &format!("{place}/{under}"), found);
        }
    }
    for under in ["oneOf", "anyOf", "allOf"] {
        for (at, branch) in old[under].as_array().into_iter().flatten().enumerate() {
            breaks(branch, &new[under][at], read, &format!("{place}/{under}{at}"), found);
        }
    }
}

fn broken(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    breaks(old, new, name == "hj212.disposition.json", name, &mut found);
    found
}

#[test]
fn no_contract_breaks_what_was_published() {
    let now = BTreeMap::from_iter(documents());
    for (name, text) in stored("schemas/published") {
        let old: Value = serde_json::from_str(&text).expect("JSON");
        let new: Value = now.get(&name).map(|text| serde_json::from_str(text).expect("JSON")).unwrap_or_default();
        let found = broken(&name, &old, &new);
        assert!(found.is_empty(), "whoever reads {name} breaks; such a change needs a topic of another version:\n{}", found.join("\n"));
    }
}

#[test]
fn a_change_that_breaks_a_reader_is_seen_and_one_that_does_not_is_let_through() {
    let text = documents().into_iter().find(|(name, _)| name == "hj212.referral.json").expect("a document").1;
    let old: Value = serde_json::from_str(&text).expect("JSON");
    let change = |edit: &dyn Fn(&mut Value)| {
        let mut new = old.clone();
        edit(&mut new);
        broken("hj212.referral.json", &old, &new)
    };
    assert!(change(&|_| {}).is_empty());
    assert!(change(&|new| new["properties"]["more"] = json!({"type": "string"})).is_empty(), "a member may be added");
    assert!(change(&|new| drop(new["properties"]["packets"].take())).iter().any(|found| found.contains("packets")));
    assert!(change(&|new| new["properties"]["score"]["type"] = json!("string")).iter().any(|found| found.contains("score")));
    assert!(change(&|new| drop(new["required"].as_array_mut().expect("a list").pop())).iter().any(|found| found.contains("may be missing")));
    let severity = |new: &mut Value| drop(new["$defs"]["Severity"]["oneOf"].as_array_mut().expect("words").pop());
    assert!(!change(&severity).is_empty(), "a word that goes");
    let read: Value = json!({"required": [], "properties": {"note": {"type": "string"}}});
    let must: Value = json!({"required": ["note"], "properties": {"note": {"type": "string"}}});
    assert_eq!(broken("hj212.disposition.json", &read, &must), ["hj212.disposition.json/note: must be there now"]);
}

/// A house in which everything happens that leaves an event.
fn everything() -> Vec<Event> {
    let start = Moment::parse_rfc3339("2026-03-14T00:00:00+08:00").expect("an instant");
    let mut bodies: Vec<(Moment, Body)> = vec![(start, Body::RegistryVersion { files: registry("11", &[SO2_DAY_80]) })];
    let frame = |number: i64, bytes: Vec<u8>| {
        let bytes = bytes.strip_suffix(b"\r\n").expect("a line").to_vec();
        (start.plus_ms((number + 1) * MINUTE_MS), Body::Frame { bytes, peer: "192.0.2.1:4000".to_owned(), gateway: "g".to_owned(), connection: 1 })
    };
    bodies.extend((0..1440).map(|number| frame(number, minute(number))));
    bodies.extend((0..2 * 24 * 60).map(|minute| (start.plus_ms(minute * MINUTE_MS + 500), Body::Tick {})));
    let peer = || "192.0.2.1:4000".to_owned();
    let morning = start.plus_ms(8 * 60 * MINUTE_MS + 100);
    bodies.extend([
        (morning, Body::LinkUp { gateway: "g".to_owned(), connection: 1, peer: peer() }),
        (morning, Body::LinkDown { gateway: "g".to_owned(), connection: 1, peer: peer(), reason: "peer".to_owned() }),
        (morning, Body::Rejected { reason: "not_hj212".to_owned(), detail: String::new(), bytes: vec![0], len: 1, peer: peer() }),
        // Nothing for an hour: the receiver was away.
        (start.plus_ms(49 * 60 * MINUTE_MS), Body::Tick {}),
    ]);
    bodies.sort_by_key(|(at, _)| *at);
    let entries = |bodies: &[(Moment, Body)]| -> Vec<Entry> {
        (1..).zip(bodies).map(|(sequence, (at, body))| Entry { sequence, at: *at, body: body.clone() }).collect()
    };
    let case = replayed(&entries(&bodies))["hj212.referrals.v1"][0].data["case"].as_str().expect("a case").parse().expect("an id");
    let step =
        |case, step| Disposition { id: format!("{step:?}"), case, step, by: "一中队".to_owned(), document: String::new(), note: String::new() };
    let last = start.plus_ms(50 * 60 * MINUTE_MS);
    bodies.push((last, Body::Disposition(step(case, Stage::Investigating))));
    bodies.push((last, Body::Disposition(step(case, Stage::Penalised))));
    bodies.push((last, Body::Score(Box::new(crate::score::small()))));
    replayed(&entries(&bodies)).into_values().flatten().collect()
}

#[test]
fn every_event_keeps_its_contract() {
    let documents = BTreeMap::from_iter(documents());
    let json = |name: &str| -> Value { serde_json::from_str(&documents[name]).expect("JSON") };
    let asyncapi = json("asyncapi.json");
    let mut seen = BTreeSet::new();
    for event in everything() {
        let messages = &asyncapi["channels"][event.topic.name()]["messages"];
        let fits = |name: &&String| {
            let types = &asyncapi["components"]["messages"][name.as_str()]["headers"]["properties"]["ce_type"]["enum"];
            types.as_array().is_some_and(|types| types.iter().any(|kind| kind == event.kind.as_str()))
        };
        let name = messages.as_object().expect("messages").keys().find(fits).unwrap_or_else(|| panic!("no contract of {}", event.kind));
        let schema = jsonschema::validator_for(&json(&format!("{name}.json"))).expect("a schema");
        let faults: Vec<String> = schema.iter_errors(&event.data).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", event.kind);
        seen.insert(name.clone());
    }
    let written: BTreeSet<String> = documents.keys().filter_map(|name| name.strip_suffix(".json")).map(str::to_owned).collect();
    let missing: Vec<&String> = written.difference(&seen).filter(|name| !["asyncapi", "hj212.disposition"].contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_step_that_keeps_the_contract_is_taken() {
    let schema: Value = documents()
        .into_iter()
        .find(|(name, _)| name == "hj212.disposition.json")
        .map(|(_, text)| serde_json::from_str(&text).expect("JSON"))
        .expect("a document");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let id = "5f0c0f0e-0000-4000-8000-000000000000";
    let step = json!({"kind": "disposition", "id": "1", "case": id, "step": "confirmed", "by": "一中队"});
    let visit =
        json!({"kind": "event", "id": "2", "case": id, "what": "visit", "happened": "2026-03-17T10:00:00+08:00", "by": "一中队", "note": "n"});
    for statement in [&step, &visit] {
        assert!(schema.is_valid(statement), "{statement}");
        assert!(serde_json::from_value::<CaseStatement>(statement.clone()).is_ok());
    }
    let mut other = step;
    other["step"] = json!("vanished");
    assert!(!schema.is_valid(&other) && serde_json::from_value::<CaseStatement>(other).is_err());
}
