//! `docs/rules.md` is what the program prints of its rules, and every rule of the catalogue stands in it.

use hj212d::domain::RuleSet;
use hj212d::rules;
use std::process::Command;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");

/// Rules of the catalogue by group, and the two beside it (E-17, N-01).
const GROUPS: [(char, u32); 12] =
    [('A', 13), ('B', 17), ('C', 11), ('D', 20), ('E', 17), ('F', 8), ('G', 7), ('H', 6), ('I', 5), ('J', 8), ('K', 11), ('N', 1)];

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hj212d")).args(["rules", "document"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_document_of_the_rules_is_what_the_program_prints() {
    let (stored, printed) = (std::fs::read_to_string(DOCUMENT).unwrap_or_default(), printed());
    let differs = stored.lines().zip(printed.lines()).position(|(stored, printed)| stored != printed);
    assert!(
        stored == printed,
        "docs/rules.md is not what the program says, from line {} on; print it anew: cargo run --release -- rules document > docs/rules.md",
        differs.unwrap_or_else(|| stored.lines().count().min(printed.lines().count())) + 1
    );
}

#[test]
fn every_rule_of_the_catalogue_has_its_heading() {
    let printed = printed();
    let headings: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("### ")?.split(' ').next()).collect();
    let expected: Vec<String> = GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}-{number:02}"))).collect();
    assert_eq!(headings, expected);
    assert_eq!(headings.len(), 124);
    assert!(headings.iter().all(|id| rules::find(id).is_some()));
}

#[test]
fn the_settings_that_the_document_shows_can_be_put_in_force() {
    let printed = printed();
    let example = printed.split_once("```json\n").and_then(|(_, rest)| rest.split_once("\n```")).expect("an example").0;
    let set = RuleSet::parse(example).expect("a document of the rule set");
    assert!(!set.rules.is_empty());
    assert_eq!(rules::settings_fault(&set), None);
}
