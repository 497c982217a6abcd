//! The rules of `deploy/prometheus/` speak of metrics and runbooks that exist, every alert is tried, and Prometheus' own checker has
//! nothing to say about the live `/metrics`. What the rules do is tested by `promtool test rules`, which `./test` runs.

use crate::process::{Folder, Logger, SO2, Serve, minute};
use crate::world::registry;
use hj212d::telemetry::metric;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HISTOGRAMS: [&str; 3] = [metric::COMMIT, metric::STEP, metric::BATCH];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Rules and tests of rules, by name.
fn rule_files() -> Vec<(PathBuf, String)> {
    let folder = std::fs::read_dir(repository().join("deploy/prometheus")).expect("the folder of the rules");
    let paths = folder.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|end| end == "yml"));
    paths.map(|path| (path.clone(), std::fs::read_to_string(&path).expect("UTF-8"))).collect()
}

/// The series that a scrape can bring: a histogram has three, and none under its own name.
fn series() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, _) in metric::ALL {
        if HISTOGRAMS.contains(name) {
            names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        } else {
            names.insert((*name).to_owned());
        }
    }
    names
}

#[test]
fn every_metric_that_the_rules_name_exists() {
    let (known, files) = (series(), rule_files());
    assert!(files.len() >= 2, "rules and their tests");
    for (path, text) in files {
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'));
        let named: BTreeSet<&str> = words.filter(|word| word.starts_with("hj212_")).collect();
        assert!(!named.is_empty(), "{}", path.display());
        for name in named {
            assert!(known.contains(name), "{} names {name}, which is no series of the program", path.display());
        }
    }
}

/// The anchor that a heading has on the pages of the repository.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if !code && line.starts_with('#') && heading.starts_with(' ') {
            assert!(found.insert(anchor(heading)), "two headings have the anchor of {line:?}");
        }
    }
    found
}

/// One alert of the rules: its name, and the lines until the next one.
fn alerts(rules: &str) -> Vec<(String, String)> {
    let parts = rules.split("- alert: ").skip(1);
    parts.map(|part| part.split_once('\n').map(|(name, rest)| (name.trim().to_owned(), rest.to_owned())).expect("a name and its rule")).collect()
}

#[test]
fn every_alert_has_a_severity_two_languages_a_runbook_and_a_test() {
    let (rules, tests) = (read("deploy/prometheus/hj212d.rules.yml"), read("deploy/prometheus/hj212d.rules.test.yml"));
    let operations = read("docs/operations.md");
    let alerts = alerts(&rules);
    assert!(alerts.len() > 30);
    let names: BTreeSet<&String> = alerts.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), alerts.len(), "a name twice");
    let chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    let word = |text: &str| text.trim_matches(|letter: char| letter.is_ascii_punctuation()).chars().all(|letter| letter.is_ascii_alphabetic());
    let english = |text: &str| text.split_whitespace().filter(|part| word(part)).count() >= 3;
    for (name, rule) in &alerts {
        let value = |key: &str| {
            let line = rule.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap_or_else(|| panic!("{name} has no {key}")).trim()
        };
        let severity = value("severity:");
        assert!(["page", "ticket", "info"].contains(&severity), "{name}: severity {severity}");
        assert!(chinese(value("summary:")) && english(value("summary:")), "{name}: a summary in both languages");
        let description =
            rule.split_once("description: >-").and_then(|(_, rest)| rest.split_once("runbook_url:")).expect("description, then runbook").0;
        assert!(chinese(description) && english(description), "{name}: a description in both languages");
        let (file, place) = value("runbook_url:").split_once('#').unwrap_or_else(|| panic!("{name}: a runbook is file#anchor"));
        assert!(anchors(&read(file)).contains(place), "{name}: {file} has no heading for #{place}");
        assert!(operations.contains(&format!("| `{name}` | {severity} |")), "{name} ({severity}) is not in the table of alerts");
        assert!(tests.contains(&format!("alertname=\"{name}\", alertstate=\"firing\"")), "{name} has no test");
    }
    for name in operations.lines().filter_map(|line| line.strip_prefix("| `Hj212")?.split('`').next()) {
        assert!(names.contains(&format!("Hj212{name}")), "the table of alerts has Hj212{name}, the rules do not");
    }
}

#[test]
fn the_anchors_of_operations_lead_somewhere() {
    let text = read("docs/operations.md");
    let known = anchors(&text);
    for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(known.contains(link), "#{link}");
    }
}

/// What `promtool check metrics` says about an exposition: nothing, if all is well.
fn complaints(exposition: &str) -> String {
    let child = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("promtool does not run ({error}). ./test fetches it; on Debian: apt-get install prometheus"));
    child.stdin.take().expect("piped").write_all(exposition.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { said } else { format!("{said}({})", output.status) }
}

#[test]
fn prometheus_has_nothing_to_say_about_the_live_metrics() {
    assert_ne!(complaints("# HELP x_days Days.\n# TYPE x_days gauge\nx_days 1\n"), "", "this test must see a complaint");
    let folder = Folder::new();
    let serve = Serve::start(&folder.0.join("data"), &folder.registry(&registry("11", SO2)), &["--demo-start", "2026-03-16"], &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    logger.send(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    assert!(logger.exchange(&minute(0)).expect("answered").contains("CN=9014"));
    serve.wait_for("hj212_rejected_total{reason=\"not_hj212\"}", |value| value >= 1.0);
    let page = serve.get("/metrics");
    let (head, exposition) = page.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert_eq!(complaints(exposition), "", "{exposition}");
    for name in HISTOGRAMS {
        assert!(exposition.contains(&format!("# TYPE {name} histogram\n")), "{name}:\n{exposition}");
    }
    assert_eq!(serve.stop(), Some(0));
}

/// A process shows a metric only once something has happened: here are all of them.
#[test]
fn prometheus_has_nothing_to_say_about_any_metric() {
    let mut exposition = String::new();
    for (name, help) in metric::ALL {
        exposition += &format!("# HELP {name} {help}\n");
        exposition += &match name {
            name if HISTOGRAMS.contains(name) => {
                format!("# TYPE {name} histogram\n{name}_bucket{{le=\"1\"}} 1\n{name}_bucket{{le=\"+Inf\"}} 1\n{name}_sum 1\n{name}_count 1\n")
            }
            name if name.ends_with("_total") => format!("# TYPE {name} counter\n{name} 1\n"),
            name => format!("# TYPE {name} gauge\n{name} 1\n"),
        };
    }
    assert_eq!(complaints(&exposition), "");
}
