//! A simulated week of the sample city in all three editions, gas and water: our means and the logger's own hour
//! and day records agree wherever they should, and every planted difference is found.

use crate::process::Folder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Gas and water outlets of loggers that speak 2017, 2025 (S004-G1 under SM4) and 2005.
const OUTLETS: [&str; 6] = ["S003-G1", "S009-W1", "S004-G1", "S010-W1", "S008-G1", "S012-W1"];
/// Hour and day records that say another figure than the minutes.
const PLANTED: [(&str, &str, &str); 3] = [("S003-G1", "a21026", "0.8"), ("S010-W1", "w01018", "0.9"), ("S008-G1", "a34013", "1.1")];

#[test]
fn a_week_of_three_editions_agrees_with_the_loggers_own_means_but_where_a_difference_was_planted() {
    let folder = Folder::new();
    let city = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sample-city");
    let (recorded, out) = (folder.0.join("week.jsonl"), folder.0.join("out"));
    let program = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hj212d"));
        command.args(words).stdout(Stdio::null());
        command
    };
    let mut fleet = program(&["simulate", "--only", &OUTLETS.join(","), "--demo-start", "2026-03-14", "--until", "2026-03-21 00:20"]);
    fleet.arg("--registry").arg(&city).arg("--record").arg(&recorded);
    for (outlet, factor, times) in PLANTED {
        fleet.args(["--misreport", &format!("{outlet}:{factor}:{times}")]);
    }
    assert!(fleet.status().expect("it runs").success());
    let mut replay = program(&["replay", "--until", "2026-03-21 14:00"]);
    replay.arg("--registry").arg(&city).arg("--input").arg(&recorded).arg("--out").arg(&out);
    assert!(replay.status().expect("it runs").success());

    // (outlet, factor, kind, span) → periods that agree, periods that do not.
    let mut tally: BTreeMap<(String, String, String, String), (u32, u32)> = BTreeMap::new();
    let text = std::fs::read_to_string(out.join("means.jsonl")).expect("written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // The newest revision of each mean counts.
    let word = |line: &Value, name: &str| line[name].as_str().expect("a text").to_owned();
    let key = |line: &Value| ["outlet", "factor", "kind", "span", "start"].map(|name| word(line, name));
    let newest: BTreeMap<_, _> = lines.iter().map(|line| (key(line), line)).collect();
    for ([outlet, factor, kind, span, _], line) in newest {
        let agrees = &line["reported"]["agrees"];
        let counts = tally.entry((outlet, factor, kind, span)).or_default();
        counts.0 += u32::from(*agrees == true);
        counts.1 += u32::from(*agrees == false);
    }
    for outlet in OUTLETS {
        assert!(tally.keys().any(|key| key.0 == outlet && key.3 == "day"), "{outlet} has days to compare: {tally:#?}");
    }
    let planted = |outlet: &str, factor: &str| PLANTED.iter().any(|known| (known.0, known.1) == (outlet, factor));
    for ((outlet, factor, kind, span), (agree, differ)) in &tally {
        let periods = if span == "hour" { 160 } else { 6 };
        let (right, wrong) = if planted(outlet, factor) { (differ, agree) } else { (agree, differ) };
        assert_eq!(*wrong, 0, "{outlet} {factor} {kind} {span}: {agree} agree, {differ} differ");
        assert!(*right >= periods, "{outlet} {factor} {kind} {span}: {agree} agree, {differ} differ");
    }
    assert!(PLANTED.iter().all(|(outlet, factor, _)| tally.keys().any(|key| (key.0.as_str(), key.1.as_str()) == (*outlet, *factor))));
}
