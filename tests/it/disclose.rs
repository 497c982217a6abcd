//! 信息公开 of the sample city: a confirmed day as tables for the public. A second computation, plain and from what was played, gives
//! the same figures row by row; what is disclosed again unchanged is not written, what changed is marked; deadlines are counted in working
//! days; and what cannot be disclosed is named.

use crate::process::Serve;
use crate::score::{House, mark, pollutants, sample_city, start, value};
use crate::world::at;
use hj212d::domain::time::HOUR_MS;
use hj212d::domain::{Declaration, DeclarationKind, OutletId};
use hj212d::engine::Body;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A table as rows by their columns' names.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let names = reader.headers().expect("a head").clone();
    let row = |record: csv::StringRecord| names.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.expect("a line"))).collect()
}

fn object(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).expect("JSON")
}

fn sha256(path: &Path) -> String {
    Sha256::digest(std::fs::read(path).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

struct Public {
    house: House,
    to: PathBuf,
}

impl Public {
    fn new() -> Self {
        let house = House::build();
        let to = house.folder.0.join("public");
        Self { house, to }
    }

    fn words<'w>(&'w self, arguments: &[&'w str]) -> Vec<&'w str> {
        [&["disclose"][..], arguments, &["--to", self.to.to_str().expect("UTF-8")]].concat()
    }

    fn says(&self, arguments: &[&str]) -> String {
        self.house.says(&self.words(arguments))
    }

    fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.house.fails(&self.words(arguments))
    }
}

/// Hours of the month that are the day's.
fn hours_of(day: &str) -> std::ops::Range<i64> {
    let first = (at(&format!("{day} 00:00:00")).0 - start().0) / HOUR_MS;
    first..first + 24
}

/// Value and class of each hour of a pollutant, as they were played: what is marked N counts; nothing came of an outlet that is silent.
fn plain_hours(outlet: &str, factor: &str, day: &str, sends: bool) -> Vec<(Option<i64>, &'static str)> {
    let class = |hour: i64| match mark(outlet, hour).filter(|_| sends) {
        Some("N") => (Some(value(outlet, factor, hour)), "valid"),
        Some("F") => (None, "stop"),
        Some(_) => (None, "invalid"),
        None => (None, "missing"),
    };
    hours_of(day).map(class).collect()
}

/// Four decimals, half to even.
fn shown(numerator: i64, denominator: i64) -> String {
    let (whole, rest) = (numerator * 10_000 / denominator, numerator * 10_000 % denominator);
    let up = rest * 2 > denominator || (rest * 2 == denominator && whole % 2 == 1);
    let digits = whole + i64::from(up);
    let text = format!("{}.{:04}", digits / 10_000, digits % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The day's values that count, and whether they are enough for a mean.
fn plain_day(outlet: &str, factor: &str, day: &str, sends: bool) -> (Vec<i64>, bool) {
    let valid: Vec<i64> = plain_hours(outlet, factor, day, sends).iter().filter_map(|(value, _)| *value).collect();
    let enough = valid.len() >= if outlet == "S009-W2" { 18 } else { 20 };
    (valid, enough)
}

/// Sulphur dioxide of the incinerator above 80 in the day or 100 in the hour, phosphorus of the sewage works above 0.5 in the day.
fn plain_exceedances(day: &str) -> Vec<[String; 7]> {
    let row = |[outlet, factor, basis, hour]: [&str; 4], value: String, limit: &str, multiple: String| {
        [outlet, factor, basis, hour, &value, limit, &multiple].map(str::to_owned)
    };
    let mut rows = Vec::new();
    let (so2, enough) = plain_day("S003-G1", "a21026", day, true);
    let (sum, count) = (so2.iter().sum::<i64>(), so2.len() as i64);
    if enough && sum > 80 * count {
        rows.push(row(["S003-G1", "a21026", "day", ""], shown(sum, count), "80", shown(sum - 80 * count, 80 * count)));
    }
    for (hour, (value, _)) in plain_hours("S003-G1", "a21026", day, true).into_iter().enumerate() {
        if let Some(value) = value.filter(|value| *value > 100) {
            rows.push(row(["S003-G1", "a21026", "hour", &format!("{hour:02}")], value.to_string(), "100", shown(value - 100, 100)));
        }
    }
    let (phosphorus, enough) = plain_day("S009-W2", "w21011", day, true);
    let (sum, count) = (phosphorus.iter().sum::<i64>(), phosphorus.len() as i64);
    if enough && sum * 2 > count {
        rows.push(row(["S009-W2", "w21011", "day", ""], shown(sum, count), "0.5", shown(sum * 2 - count, count)));
    }
    rows
}

/// Every hour, day and exceedance of a disclosed day beside what was played.
fn is_what_was_played(folder: &Path, day: &str) {
    let (hours, days) = (table(&folder.join("hours.csv")), table(&folder.join("days.csv")));
    let field = |row: &BTreeMap<String, String>, name: &str| row[name].clone();
    for (outlet, sends) in [("S001-G1", true), ("S001-G2", false), ("S003-G1", true), ("S009-W2", true)] {
        for factor in pollutants(outlet) {
            // Oxygen at the reference: converted is as measured; the volume of every water hour is the same.
            let converted = outlet == "S003-G1" || outlet == "S001-G1";
            let plain = plain_hours(outlet, &factor, day, sends);
            for kind in ["measured", "converted"].iter().take(if converted { 2 } else { 1 }) {
                let said: Vec<(String, String)> = hours
                    .iter()
                    .filter(|row| row["outlet"] == outlet && row["factor"] == factor && row["kind"] == *kind)
                    .map(|row| (field(row, "value"), field(row, "class")))
                    .collect();
                // An hour that did not come has a row of its measured value, and no more.
                let expected: Vec<(String, String)> = plain
                    .iter()
                    .filter(|(_, class)| *kind == "measured" || *class != "missing")
                    .map(|(value, class)| (value.map(|value| value.to_string()).unwrap_or_default(), (*class).to_owned()))
                    .collect();
                assert_eq!(said, expected, "{day} {outlet} {factor} {kind}");
                let (valid, enough) = plain_day(outlet, &factor, day, sends);
                let of_day = days.iter().find(|row| row["outlet"] == outlet && row["factor"] == factor && row["kind"] == *kind);
                // Nor has a day of which nothing came.
                let came = plain.iter().any(|(_, class)| *class != "missing");
                assert_eq!(of_day.is_some(), *kind == "measured" || came, "{day}: {outlet} {factor} {kind}");
                let Some(of_day) = of_day else { continue };
                assert_eq!(of_day["count"], valid.len().to_string(), "{day} {outlet} {factor} {kind}");
                let figure = if enough { shown(valid.iter().sum(), valid.len() as i64) } else { String::new() };
                assert_eq!((&of_day["value"], &of_day["valid"]), (&figure, &enough.to_string()), "{day} {outlet} {factor} {kind}");
            }
        }
    }
    let exceedances = table(&folder.join("exceedances.csv"));
    let beyond: Vec<_> =
        exceedances.iter().map(|row| ["outlet", "factor", "basis", "hour", "value", "limit", "multiple"].map(|name| field(row, name))).collect();
    assert_eq!(beyond, plain_exceedances(day), "{day}");
}

#[test]
fn a_second_plain_computation_gives_every_hour_and_day_and_exceedance_of_the_month_and_changes_are_marked() {
    let public = Public::new();
    let said = public.says(&["--from", "2026-03-01", "--until", "2026-03-31"]);
    holds(&said, &["2026-03-01 r1 已公开 disclosed:", "2026-03-31 r1 已公开 disclosed:"]);
    for day in 1..=31 {
        let day = format!("2026-03-{day:02}");
        is_what_was_played(&public.to.join(&day).join("r1"), &day);
    }
    let day = "2026-03-22";
    let first = public.to.join(day).join("r1");
    let (hours, days) = (table(&first.join("hours.csv")), table(&first.join("days.csv")));
    // The second computation itself: 90 and more all day above 80, 120 in three hours above 100.
    let expected = [
        ["S003-G1", "a21026", "day", "", "93.75", "80", "0.1719"],
        ["S003-G1", "a21026", "hour", "08", "120", "100", "0.2"],
        ["S003-G1", "a21026", "hour", "09", "120", "100", "0.2"],
        ["S003-G1", "a21026", "hour", "10", "120", "100", "0.2"],
        ["S009-W2", "w21011", "day", "", "3", "0.5", "5"],
    ];
    assert_eq!(plain_exceedances(day), expected.map(|row| row.map(str::to_owned)));
    // S010 is no key unit of the list; S001 is one.
    assert!(hours.iter().all(|row| row["site"] != "S010") && hours.iter().any(|row| row["site"] == "S001"));

    // JSON says what CSV says, and the manifest what the files are.
    let manifest = object(&first.join("manifest.json"));
    assert_eq!((&manifest["day"], &manifest["revision"], &manifest["status"]), (&day.into(), &1.into(), &"confirmed".into()));
    assert_eq!((&manifest["due"], &manifest["supersedes"]), (&"2026-03-30".into(), &Value::Null), "confirmed on Monday the 23rd");
    assert!(manifest["registry"].as_str().is_some_and(|version| version.starts_with("rg-")));
    for file in manifest["files"].as_array().expect("files") {
        let path = first.join(file["name"].as_str().expect("a name"));
        assert_eq!(file["sha256"], sha256(&path), "{file}");
        let rows = if path.extension().is_some_and(|end| end == "csv") { table(&path).len() } else { object(&path).as_array().expect("rows").len() };
        assert_eq!(file["rows"], rows, "{file}");
    }
    let listed = object(&first.join("days.json"));
    for (row, object) in days.iter().zip(listed.as_array().expect("rows")) {
        assert_eq!(
            (row["value"].as_str(), row["factor"].as_str()),
            (object["value"].as_str().unwrap_or_default(), object["factor"].as_str().expect("a code"))
        );
    }

    // Again: nothing differs, nothing is written.
    let said = public.says(&["--day", day]);
    holds(&said, &["2026-03-22 r1 无变化，未写入 nothing differs, nothing was written"]);
    assert!(!public.to.join(day).join("r2").exists());

    // A mark over three hours of the incinerator, entered afterwards: the day is computed again, and what differs is marked.
    let declared = Declaration {
        id: "D9".to_owned(),
        outlet: OutletId::new("S003-G1").expect("short"),
        factor: None,
        mark: DeclarationKind::Maintenance,
        from: at("2026-03-22 08:00:00"),
        to: at("2026-03-22 11:00:00"),
        reason: "更换采样探头".to_owned(),
        document: String::new(),
        author: "张三".to_owned(),
        made_at: at("2026-04-01 15:00:00"),
        withdrawn: false,
        entered: None,
        changed: None,
    };
    let journal = vec![(at("2026-04-01 15:30:00"), Body::Declaration(declared)), (at("2026-04-01 16:30:00"), Body::Tick {})];
    House::play(&public.house.data(), at("2026-04-01 15:00:00"), None, journal);
    let said = public.says(&["--day", day]);
    holds(&said, &["2026-03-22 r2 已公开 disclosed:", "行有变 rows differ"]);
    let second = public.to.join(day).join("r2");
    let days = table(&second.join("days.csv"));
    let so2 = days.iter().find(|row| row["outlet"] == "S003-G1" && row["factor"] == "a21026" && row["kind"] == "converted").expect("SO2");
    assert_eq!((&*so2["value"], &*so2["count"], &*so2["revised"], &*so2["previous"]), ("90", "21", "true", "93.75"));
    let other = days.iter().find(|row| row["outlet"] == "S001-G1" && row["factor"] == "a21026").expect("SO2");
    assert_eq!((&*other["revised"], &*other["previous"]), ("false", ""));
    let exceedances = table(&second.join("exceedances.csv"));
    let (withdrawn, held): (Vec<_>, Vec<_>) = exceedances.iter().partition(|row| row["withdrawn"] == "true");
    assert_eq!(held.len(), 2, "the hours are gone");
    let hours: Vec<(&str, &str, &str)> = withdrawn.iter().map(|row| (&*row["hour"], &*row["value"], &*row["previous"])).collect();
    assert_eq!(hours, [("08", "", "120"), ("09", "", "120"), ("10", "", "120")], "what was said before and holds no longer is withdrawn");
    assert_eq!((&*held[0]["basis_zh"], &*held[0]["kind_zh"], &*held[0]["limit_type_zh"]), ("日均值", "折算", "上限"));
    assert_eq!((&*exceedances[0]["value"], &*exceedances[0]["previous"]), ("90", "93.75"));
    let manifest = object(&second.join("manifest.json"));
    assert_eq!(manifest["supersedes"]["manifest_sha256"], sha256(&first.join("manifest.json")));
    assert_eq!(manifest["supersedes"]["changes"]["exceedances"], serde_json::json!({"revised": 1, "new": 0, "gone": 3}));
    holds(&public.says(&["--day", day]), &["r2 无变化"]);

    // What was disclosed stays as it was: a file that somebody touched is no ground to compare with.
    std::fs::write(second.join("days.csv"), "x").expect("written");
    let (code, words) = public.fails(&["--day", day]);
    assert_eq!(code, Some(65));
    holds(&words, &["r2/days.csv is not what its manifest says"]);
    let left: Vec<_> = std::fs::read_dir(public.to.join(day)).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left.len(), 2, "no half-written revision is left: {left:?}");
}

#[test]
fn what_is_due_is_counted_in_working_days_and_what_cannot_be_disclosed_is_named() {
    let public = Public::new();
    // Thursday 26 March is taken off for a holiday, Saturday 28 March is worked in its place.
    let config = public.house.folder.0.join("hj212d.toml");
    let calendar = "[disclosure]\nholidays = [\"2026-03-26\", \"2026-03-27\"]\nworkdays = [\"2026-03-28\"]\nsince = \"2026-03-20\"\n";
    std::fs::write(&config, calendar).expect("written");
    let config = config.to_str().expect("UTF-8");

    // 20 March, a Friday, is confirmed on Saturday: 23, 24, 25, 28, 30. 23 March: 25, 28, 30, 31, 1 April.
    let lines = |at: &str| -> (Option<i32>, Vec<Value>) {
        let output = public.house.ask(&public.words(&["--status", "--json", "--config", config, "--at", at]));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (output.status.code(), text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
    };
    let (code, days) = lines("2026-03-30 23:59");
    let of = |days: &[Value], day: &str, name: &str| days.iter().find(|line| line["day"] == day).unwrap_or_else(|| panic!("no {day}"))[name].clone();
    assert_eq!(code, Some(0), "{days:?}");
    assert_eq!((of(&days, "2026-03-20", "due"), of(&days, "2026-03-20", "state")), ("2026-03-30".into(), "due".into()));
    assert_eq!(of(&days, "2026-03-23", "due"), "2026-04-01");
    assert_eq!(days.len(), 10, "the 30th is not confirmed at midnight: {days:?}");
    let (code, days) = lines("2026-03-31 00:00");
    assert_eq!((code, of(&days, "2026-03-20", "state")), (Some(1), "overdue".into()));

    holds(&public.says(&["--from", "2026-03-20", "--until", "2026-03-22", "--config", config]), &["2026-03-20 r1", "2026-03-21 r1", "2026-03-22 r1"]);
    let (code, days) = lines("2026-03-31 00:00");
    assert_eq!((code, of(&days, "2026-03-20", "state"), of(&days, "2026-03-20", "revision")), (Some(0), "disclosed".into(), 1.into()));
    let table = public.says(&["--status", "--config", config, "--at", "2026-03-31 00:00"]);
    holds(&table, &["2026-03-20  已公开 disclosed，期限 by 2026-03-30，r1", "待公开 due 7，已逾期 overdue 0"]);

    // Refused by name.
    let (code, words) = public.fails(&["--day", "2026-04-01"]);
    assert_eq!(code, Some(65));
    holds(&words, &["2026-04-01 is not confirmed at S001-G1", "nothing was written", "2026-04-02T13:00:00+08:00"]);
    // A day that is refused holds up no other.
    let output = public.house.ask(&public.words(&["--from", "2026-03-30", "--until", "2026-04-01"]));
    let (said, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(65), "{words}");
    holds(&said, &["2026-03-30 r1", "2026-03-31 r1"]);
    holds(&words, &["2026-04-01 is not confirmed at S001-G1", "1 of 3 days were not written"]);
    let (code, words) = public.fails(&["--day", "2020-01-01"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no outlet of a key unit is in force on 2020-01-01", "key_unit_from"]);
    assert_eq!(public.fails(&["--day", "22.3.2026"]).0, Some(2));
    assert_eq!(public.fails(&["--from", "2026-03-20"]).0, Some(2), "until when?");
    assert_eq!(public.fails(&["--from", "2026-03-22", "--until", "2026-03-20"]).0, Some(65));
    let (code, words) = public.house.fails(&["disclose", "--day", "2026-03-22"]);
    assert_eq!(code, Some(78));
    holds(&words, &["no folder; give --to FOLDER, or disclosure.folder"]);

    for day in ["2026-03-30", "2026-03-31"] {
        std::fs::remove_dir_all(public.to.join(day)).expect("it was disclosed");
    }
    // A daemon with the folder counts them, and doctor names them.
    let environment = [("HJ212D_DISCLOSURE__FOLDER", public.to.to_str().expect("UTF-8")), ("HJ212D_DISCLOSURE__SINCE", "2026-03-20")];
    let register = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sample-city");
    let serve = Serve::start(&public.house.data(), &register, &["--demo-start", "2026-04-02 12:00"], &environment);
    // Confirmed are the days to the 31st; the first five working days of the 23rd and 24th are over.
    serve.wait_for("hj212_disclosure_due", |days| days == 9.0);
    serve.wait_for("hj212_disclosure_overdue", |days| days == 2.0);
    assert_eq!(serve.stop(), Some(0));
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_hj212d"));
    doctor.args(["doctor", "--data"]).arg(public.house.data()).envs(environment);
    let output = doctor.output().expect("it runs");
    holds(&String::from_utf8_lossy(&output.stdout), &["信息公开 disclosure", "disclose --status"]);
}

#[test]
fn an_outlet_that_is_registered_later_is_missing_on_the_days_of_which_nobody_knew_it() {
    let public = Public::new();
    let mut files = sample_city();
    let outlets = files.0.get_mut("outlets.csv").expect("the table");
    let row = outlets.lines().find(|line| line.starts_with("S001-G1,")).expect("the outlet").replacen("S001-G1", "S001-G9", 1);
    outlets.push_str(&format!("{row}\n"));
    let series = files.0.get_mut("series.csv").expect("the table");
    series.push_str("S001-G9,a21024,0100003C700001C200084A11,31,,mg/m3,,100,drift,2024-01-01,\n");
    House::play(&public.house.data(), at("2026-04-01 15:30:00"), Some(files), Vec::new());

    holds(&public.says(&["--day", "2026-03-22"]), &["2026-03-22 r1"]);
    let days = table(&public.to.join("2026-03-22/r1/days.csv"));
    let of_new: Vec<_> = days.iter().filter(|row| row["outlet"] == "S001-G9").collect();
    assert_eq!(of_new.iter().map(|row| (&*row["factor"], &*row["valid"], &*row["note"])).collect::<Vec<_>>(), [("a21024", "false", "missing")]);
    // Of days before the house began nothing is known at all.
    let (code, words) = public.fails(&["--day", "2026-02-20"]);
    assert_eq!(code, Some(65));
    holds(&words, &["2026-02-20 is not confirmed at"]);
}
