//! Commands that change what is in force, beside a running daemon and without one: register, rules, declarations, comparisons; the
//! question what other rules would have said; and who is not heard.

use crate::process::{Folder, Logger, SO2, Serve, journal, minute, published, replayed};
use crate::world::{Chance, MN, OUTLET, at, packet, registry};
use hj212d::domain::RuleSet;
use std::path::Path;
use std::process::{Command, Output};

fn program(words: &[&str], data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hj212d")).args(words).arg("--data").arg(data).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A daemon that holds one day of minutes whose mean is above the limit, and has referred it.
fn serve_with_a_referral(folder: &Folder) -> (Serve, std::path::PathBuf) {
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    let serve = Serve::start(&data, &rows, &["--demo-time-scale", "60", "--demo-start", "2026-03-16"], &[]);
    let mut logger = Logger::connect(serve.address).expect("connected");
    for number in 0..1440 {
        logger.exchange(&minute(number)).expect("answered");
    }
    serve.wait_for("hj212_referrals_total{change=\"opened\"}", |value| value >= 1.0);
    (serve, data)
}

#[test]
fn a_register_and_statements_are_put_in_force_beside_a_running_daemon_and_the_past_is_put_right() {
    let folder = Folder::new();
    let (serve, data) = serve_with_a_referral(&folder);

    // A higher limit takes the referral back.
    let other = folder.0.join("other");
    let mut files = registry("11", &[&SO2[0].replace(",max,80,", ",max,95,")]);
    files.0.insert("sites.csv".to_owned(), files.0["sites.csv"].replace("Sample Incinerator", "Incinerator"));
    std::fs::create_dir_all(&other).expect("a folder");
    for (name, text) in &files.0 {
        std::fs::write(other.join(name), text).expect("a file");
    }
    let diff = said(&program(&["registry", "diff", text(&other)], &data));
    assert!(diff.contains("80") && diff.contains("95") && diff.contains("recount S1-G1") && !diff.contains("123456"), "{diff}");
    let asked = program(&["registry", "import", text(&other)], &data);
    assert_eq!(asked.status.code(), Some(65), "nobody can be asked: {}", said(&asked));
    let import = program(&["registry", "import", text(&other), "--yes"], &data);
    assert!(import.status.success(), "{}", said(&import));
    serve.wait_for("hj212_referrals_total{change=\"withdrawn\"}", |value| value >= 1.0);
    serve.wait_for("hj212_recounts_left", |left| left == 0.0);
    let again = said(&program(&["registry", "import", text(&other), "--yes"], &data));
    assert!(again.contains("in force already"), "{again}");

    // The old one comes out under its version, and goes back in.
    let log = said(&program(&["registry", "log"], &data));
    let versions: Vec<&str> = log.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("rg-"))).collect();
    assert_eq!(versions.len(), 2, "{log}");
    let out = folder.0.join("out");
    let export = program(&["registry", "export", text(&out), "--version", versions[0].trim_end_matches(':')], &data);
    assert!(export.status.success(), "{}", said(&export));
    assert_eq!(std::fs::read_to_string(out.join("limits.csv")).expect("written"), registry("11", SO2).0["limits.csv"]);
    let back = program(&["registry", "import", text(&out), "--yes"], &data);
    assert!(back.status.success(), "{}", said(&back));
    serve.wait_for("hj212_referrals_total{change=\"reopened\"}", |value| value >= 1.0);

    // A declaration with a fault is named by line and column, and nothing is appended; the mended one counts.
    let marks = folder.0.join("marks.csv");
    let header = "id,outlet,factor,mark,from,to,reason,document,author,made_at\n";
    let line = |mark: &str| format!("D1,S1-G1,,{mark},2026-03-14 00:00,2026-03-14 12:00,换炉排,BG-1,张三,2026-03-15 09:00\n");
    std::fs::write(&marks, format!("{header}{}", line("holiday"))).expect("a file");
    let wrong = program(&["declarations", "import", text(&marks)], &data);
    assert_eq!(wrong.status.code(), Some(65));
    assert!(said(&wrong).contains("declarations.csv:2: mark: \"holiday\""), "{}", said(&wrong));
    std::fs::write(&marks, format!("{header}{}", line("fault"))).expect("a file");
    let right = program(&["declarations", "import", text(&marks)], &data);
    assert!(right.status.success(), "{}", said(&right));
    serve.wait_for("hj212_referrals_total{change=\"withdrawn\"}", |value| value >= 2.0);

    // A failed check from noon on, and the pass an hour later.
    let checks = folder.0.join("checks.csv");
    let rows = "C1,S1-G1,a21026,2026-03-14 13:00,no,HJ 57,BD-1,监测站\nC2,S1-G1,a21026,2026-03-14 14:00,yes,HJ 57,BD-2,监测站\n";
    std::fs::write(&checks, format!("id,outlet,factor,at,passed,method,document,author\n{rows}")).expect("a file");
    let compared = program(&["comparisons", "import", text(&checks)], &data);
    assert!(compared.status.success() && said(&compared).contains("2 statements"), "{}", said(&compared));

    // A visit that ends before it begins is named; the mended one counts, and changes no value.
    let visits = folder.0.join("visits.csv");
    let row = |to: &str| format!("id,outlet,from,to,by\nV1,S1-G1,2026-03-14 10:00,{to},一队\n");
    std::fs::write(&visits, row("2026-03-14 09:00")).expect("a file");
    let wrong = program(&["visits", "import", text(&visits)], &data);
    assert_eq!(wrong.status.code(), Some(65));
    assert!(said(&wrong).contains("visits.csv:2: to: not after from"), "{}", said(&wrong));
    std::fs::write(&visits, row("2026-03-14 12:00")).expect("a file");
    let right = program(&["visits", "import", text(&visits)], &data);
    assert!(right.status.success() && said(&right).contains("1 statements"), "{}", said(&right));

    assert_eq!(serve.stop(), Some(0));
    let (out, again) = (published(&data), replayed(&journal(&data)));
    for (topic, events) in &again {
        assert_eq!(out.get(topic), Some(events), "{topic}");
    }
}

#[test]
fn without_a_daemon_entries_go_into_the_database_and_a_daemon_goes_on_from_there() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    let import = program(&["registry", "import", text(&rows), "--yes"], &data);
    assert!(import.status.success() && said(&import).contains("no daemon runs"), "{}", said(&import));
    let rules = folder.0.join("rules.json");
    let mut set = RuleSet::default();
    set.day_hours_min.value = 21;
    std::fs::write(&rules, set.text()).expect("a file");
    let import = program(&["rules", "import", text(&rules), "--yes"], &data);
    assert!(said(&import).contains("day_hours_min: 20 → 21") && said(&import).contains(&set.version()), "{}", said(&import));
    let print = program(&["rules", "print"], &data);
    assert_eq!(String::from_utf8_lossy(&print.stdout).trim(), set.text());
    std::fs::write(&rules, r#"{"day_hours": 1}"#).expect("a file");
    let wrong = program(&["rules", "import", text(&rules), "--yes"], &data);
    assert_eq!(wrong.status.code(), Some(65));
    assert!(said(&wrong).contains("day_hours") && said(&wrong).contains("line 1"), "{}", said(&wrong));
    let setting = |rule: &str| format!(r#"{{"rules":[{{"rule":"{rule}","figures":{{"n":"6"}},"source":{{"text":"a test","grade":"D"}}}}]}}"#);
    std::fs::write(&rules, setting("B-99")).expect("a file");
    let wrong = program(&["rules", "import", text(&rules), "--yes"], &data);
    assert_eq!(wrong.status.code(), Some(65));
    assert!(said(&wrong).contains("there is no rule \"B-99\""), "{}", said(&wrong));
    std::fs::write(&rules, setting("B-01")).expect("a file");
    let import = program(&["rules", "import", text(&rules), "--yes"], &data);
    assert!(import.status.success() && said(&import).contains("rules: with {\"rule\":\"B-01\""), "{}", said(&import));

    let serve = Serve::start(&data, &rows, &[], &[]);
    serve.wait_for("hj212_registry_rows{table=\"outlets\"", |rows| rows == 1.0);
    assert_eq!(serve.stop(), Some(0));
    assert_eq!(journal(&data).iter().filter(|entry| matches!(entry.body, hj212d::engine::Body::RegistryVersion { .. })).count(), 1);
}

#[test]
fn other_rules_are_tried_on_stored_packets_and_what_would_change_is_named() {
    let folder = Folder::new();
    let (serve, data) = serve_with_a_referral(&folder);
    assert_eq!(serve.stop(), Some(0));
    let rules = folder.0.join("rules.json");
    let mut set = RuleSet::default();
    set.day_hours_min.value = 24;
    set.hour_minutes_min.value = 60;
    std::fs::write(&rules, set.text()).expect("a file");
    let ask = |days: &[&str]| {
        let output = program(&[&["replay", "--journal", "--rules", text(&rules)], days].concat(), &data);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // Every minute of the day came, so that nothing changes; 61 minutes never come.
    let same = ask(&["--from", "2026-03-14", "--to", "2026-03-14"]);
    assert!(same.contains("referrals: 0 appear, 0 vanish, 0 change"), "{same}");
    set.hour_minutes_min.value = 61;
    std::fs::write(&rules, set.text()).expect("a file");
    let other = ask(&[]);
    assert!(other.contains("hour_minutes_min: 45 → 61") && other.contains("referrals: 0 appear, 1 vanish, 0 change"), "{other}");
    assert!(other.contains("finding vanishes") && other.contains("valid_hours 24"), "{other}");
    assert!(ask(&["--from", "2026-03-15"]).contains("means: 0 appear, 0 vanish, 0 change"));
    let nowhere = program(&["replay", "--rules", text(&rules)], &data);
    assert!(!nowhere.status.success(), "without --journal there is nothing to try them on");
}

#[test]
fn the_local_socket_takes_what_offices_say_and_no_packets() {
    use std::io::{Read, Write};
    let folder = Folder::new();
    let data = folder.0.join("data");
    let rows = folder.registry(&registry("11", SO2));
    let serve = Serve::start(&data, &rows, &[], &[]);
    let ask = |body: &str| {
        let mut stream = std::os::unix::net::UnixStream::connect(data.join("hj212d.sock")).expect("it listens");
        let head = format!("POST /v1/entries HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    for (body, says) in [
        ("{}", "no JSON list"),
        (r###"[{"kind":"frame","bytes":"##","peer":"","gateway":"","connection":0}]"###, "from data loggers only"),
        (r#"[{"kind":"tick"}]"#, "from data loggers only"),
        (r#"[{"kind":"recount","outlet":"S1-G1","day":"tomorrow"}]"#, "entry 0"),
        (
            r#"[{"kind":"declaration","id":"D","outlet":"S1-G1","mark":"fault","from":"2026-03-15","to":"2026-03-14","reason":"r","document":"","author":"a","made_at":"2026-03-14 08:00"}]"#,
            "422",
        ),
    ] {
        let answer = ask(body);
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains(says), "{body}: {answer}");
    }
    // Random bytes, too, are answered and change nothing.
    let mut chance = Chance(7);
    for _ in 0..50 {
        let noise: String = (0..chance.below(200)).map(|_| char::from(32 + chance.below(90) as u8)).collect();
        assert!(ask(&noise).starts_with("HTTP/1.1 422"));
    }
    assert!(ask("[]").contains("\"sequences\":[]"));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(data.join("hj212d.sock")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(serve.stop(), Some(0));
    assert!(!data.join("hj212d.sock").exists(), "it goes with its daemon");
}

#[test]
fn a_case_goes_through_peoples_hands_until_it_is_written_off() {
    let folder = Folder::new();
    let (serve, data) = serve_with_a_referral(&folder);
    let docket = said(&program(&["cases", "--open", "--json"], &data));
    let case: serde_json::Value = serde_json::from_str(docket.lines().next().expect("one case")).expect("JSON");
    let id = case["id"].as_str().expect("an id");
    assert_eq!((&case["state"], &case["stage"]), (&serde_json::json!("open"), &serde_json::json!("received")));

    let steps = folder.0.join("steps.csv");
    let file = |rows: &[&str]| {
        let rows: String = rows.iter().enumerate().map(|(at, step)| format!("S{at},{id},{step},王五,示环罚1号,\n")).collect();
        std::fs::write(&steps, format!("id,case,step,by,document,note\n{rows}")).expect("a file");
    };
    // A step that does not follow is named, and nothing of the file is appended.
    file(&["investigating", "published"]);
    let wrong = program(&["dispositions", "import", text(&steps)], &data);
    assert_eq!(wrong.status.code(), Some(65));
    assert!(said(&wrong).contains("S1: step: published does not follow on under investigation"), "{}", said(&wrong));
    assert_eq!(serve.metric("hj212_referrals_total{change=\"progressed\"}"), None);

    let visits = folder.0.join("visits.csv");
    std::fs::write(&visits, format!("id,case,what,happened,by,document,note\nV1,{id},visit,2026-03-16 10:00,王五,,布袋破损\n")).expect("a file");
    let noted = program(&["case-events", "import", text(&visits)], &data);
    assert!(noted.status.success(), "{}", said(&noted));
    file(&["investigating", "confirmed", "penalised", "rectified", "written_off"]);
    let right = program(&["dispositions", "import", text(&steps)], &data);
    assert!(right.status.success(), "{}", said(&right));
    serve.wait_for("hj212_referrals_total{change=\"closed\"}", |value| value >= 1.0);
    assert_eq!(serve.metric("hj212_referrals_total{change=\"progressed\"}"), Some(4.0));
    let shown = said(&program(&["cases", id], &data));
    for words in ["已销号", "布袋破损", "行政处罚 / penalised", "现场调查"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(said(&program(&["cases", "--open"], &data)).contains("no cases"));
    assert_eq!(serve.stop(), Some(0));
    let (out, again) = (published(&data), replayed(&journal(&data)));
    assert_eq!(out["hj212.referrals.v1"], again["hj212.referrals.v1"]);
    let opened = &out["hj212.referrals.v1"][0].data;
    assert_eq!(opened["legal"][0]["article"], "《大气污染防治法》第九十九条第二项");
    assert!(opened["due"].as_str().is_some_and(|due| due.starts_with("2026-03-19")), "{}", opened["due"]);
}

/// The lines of `links --json` of one kind.
fn links(what: &str, data: &Path) -> Vec<serde_json::Value> {
    let output = program(&["links", "--json"], data);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")).filter(|line| line["what"] == what).collect()
}

#[test]
fn a_logger_that_stops_is_named_until_it_is_heard_again() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let mut files = registry("11", SO2);
    let outlets = files.0["outlets.csv"].replace("valid_from,valid_to", "valid_from,valid_to,expects").replace("2020-01-01,\n", "2020-01-01,,2051\n");
    files.0.insert("outlets.csv".to_owned(), outlets);
    let rows = folder.registry(&files);
    let serve = Serve::start(&data, &rows, &["--demo-time-scale", "60", "--demo-start", "2026-03-16"], &[]);
    // Silent after ten minutes, surveyed after fifteen; a machine that stands still for some seconds is no outage here.
    let rules = folder.0.join("rules.json");
    let mut set = RuleSet::default();
    (set.silence_min.value, set.silence_refer_min.value, set.outage_gap_secs.value) = (10, 15, 1200);
    std::fs::write(&rules, set.text()).expect("a file");
    let import = program(&["rules", "import", text(&rules), "--yes"], &data);
    assert!(import.status.success(), "{}", said(&import));
    let began = at("2026-03-16 00:00:00");
    let seconds = |moment: hj212d::domain::time::Moment| moment.0 as f64 / 1000.0;
    serve.wait_for("hj212_engine_time_seconds", |time| time >= seconds(began) + 60.0);

    let speak = |minute: i64| {
        let start = began.plus_ms(minute * 60_000);
        let bytes = packet("2051", start.plus_ms(60_001), start, "a21026-Avg=41.3,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N");
        let mut logger = Logger::connect(serve.address).expect("connected");
        assert!(logger.exchange(&bytes).expect("answered").contains("CN=9014"));
    };
    speak(0);
    let heard = said(&program(&["links"], &data));
    assert!(heard.contains("silent loggers: 无 none") && heard.contains(OUTLET), "{heard}");

    serve.wait_for("hj212_silent_loggers", |loggers| loggers >= 1.0);
    let silent = said(&program(&["links", "--outlet", OUTLET], &data));
    assert!(silent.contains("silent loggers: 1") && silent.contains(&format!("{MN}，{OUTLET}：")), "{silent}");
    serve.wait_for("hj212_referrals_total{change=\"opened\"}", |value| value >= 1.0);
    let silences = links("silence", &data);
    assert_eq!((silences.len(), &silences[0]["logger"], &silences[0]["state"]), (1, &MN.into(), &"referred".into()), "{silences:?}");
    assert!(said(&program(&["cases", "--open"], &data)).contains(OUTLET));

    speak(1);
    serve.wait_for("hj212_silent_loggers", |loggers| loggers == 0.0);
    assert!(links("silence", &data).is_empty());
    let nowhere = program(&["links", "--outlet", "S9-G9"], &data);
    assert_eq!(nowhere.status.code(), Some(66), "{}", said(&nowhere));
    assert_eq!(serve.stop(), Some(0));
}

#[test]
fn what_an_outlet_lacks_is_read_from_its_newest_published_day() {
    let folder = Folder::new();
    let (serve, data) = serve_with_a_referral(&folder);
    assert_eq!(serve.stop(), Some(0));
    let outlets = links("outlet", &data);
    assert_eq!(outlets.len(), 1, "{outlets:?}");
    let (outlet, month) = (&outlets[0], &outlets[0]["month"]);
    assert_eq!((&outlet["outlet"], &outlet["first_day"], &outlet["networking"]), (&OUTLET.into(), &"2026-03-14".into(), &"due".into()), "{outlet}");
    assert!(month["due"] == 24 && month["valid"].as_u64().is_some_and(|valid| valid >= 20), "{outlet}");
    let shown = said(&program(&["links"], &data));
    assert!(shown.contains(OUTLET) && shown.contains("2026-03-14"), "{shown}");
}
