//! Lives of cases, as scripts in `protocol-fixtures/cases/`: days of data, what people do, and every event of the case in order.
//!
//! ```text
//! day 2026-03-14 85                       a day of hour records, SO2 in mg/m³ at 11 % oxygen; the daily limit is 80
//! at 2026-03-16 09:00 step confirmed      a step of the case that began on the first day (… of 2026-03-20: of that day)
//! at 2026-03-16 09:00 event visit         something that happened about it
//! at 2026-03-16 09:00 declare 2026-03-14 00:00 2026-03-14 12:00     a person's mark
//! at 2026-03-16 09:00 limit 95            the register is put right: another daily limit from the beginning
//! until 2026-04-01 00:00                  time goes on
//! = 2026-03-15 13:00 opened open received due 2026-03-18      an event of a case: when, change, state, stage, what is due
//! ```

use crate::world::{OUTLET, SO2_DAY_80, at, frame_body, packet, registry, run, until};
use hj212d::domain::time::{HOUR_MS, Moment};
use hj212d::domain::{CaseEvent, Declaration, DeclarationKind, Disposition, Happening, OutletId, Stage};
use hj212d::engine::Body;
use hj212d::message::Topic;
use hj212d::rules::NAMESPACE;
use std::path::Path;
use uuid::Uuid;

fn instant(text: &str) -> Moment {
    Moment::parse_local(text).unwrap_or_else(|| panic!("{text:?} is no instant"))
}

fn case_of(first_day: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("case|exceedance|{OUTLET}|a21026|{first_day}").as_bytes())
}

fn day(date: &str, value: &str) -> Vec<(Moment, Body)> {
    let start = at(&format!("{date} 00:00:00"));
    let hour = |hour: i64| {
        let from = start.plus_ms(hour * HOUR_MS);
        let sent = from.plus_ms(HOUR_MS + 1000);
        (sent, frame_body(&packet("2061", sent, from, &format!("a21026-Avg={value},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N"))))
    };
    (0..24).map(hour).collect()
}

/// What happens at an instant: the words after it.
fn body(words: &str, first_day: &str, number: usize) -> Body {
    let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
    let (word, of) = rest.split_once(" of ").unwrap_or((rest, first_day));
    let text = |text: &str| text.to_owned();
    match what {
        "step" => Body::Disposition(Disposition {
            id: format!("D{number}"),
            case: case_of(of),
            step: Stage::parse(word).unwrap_or_else(|| panic!("{word:?} is no step")),
            by: text("王五"),
            document: text("示环罚〔2026〕1号"),
            note: String::new(),
        }),
        "event" => Body::Event(CaseEvent {
            id: format!("E{number}"),
            case: case_of(of),
            what: Happening::parse(word).unwrap_or_else(|| panic!("{word:?} is no happening")),
            happened: instant("2026-03-15"),
            by: text("王五"),
            document: String::new(),
            note: text("现场查看"),
        }),
        "declare" => Body::Declaration(Declaration {
            id: format!("M{number}"),
            outlet: OutletId::new(OUTLET).expect("short"),
            factor: None,
            mark: DeclarationKind::Fault,
            from: instant(&rest[..16]),
            to: instant(&rest[17..]),
            reason: text("采样泵故障"),
            document: text("BG-1"),
            author: text("张三"),
            made_at: instant(&rest[17..]),
            withdrawn: false,
            entered: None,
            changed: None,
        }),
        "limit" => Body::RegistryVersion { files: registry("11", &[&SO2_DAY_80.replace(",max,80,", &format!(",max,{rest},"))]) },
        _ => panic!("{words:?}"),
    }
}

fn play(script: &str) -> (Vec<String>, Vec<String>) {
    let (mut journal, mut expected, mut end) = (Vec::new(), Vec::new(), None);
    let mut first_day = String::new();
    for (number, line) in script.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((what, rest)) = line.split_once(' ') else { continue };
        match what {
            "day" => {
                let (date, value) = rest.split_once(' ').expect("a date and a value");
                if first_day.is_empty() {
                    first_day = date.to_owned();
                }
                journal.extend(day(date, value));
            }
            "at" => journal.push((instant(&rest[..16]), body(&rest[17..], &first_day, number))),
            "until" => end = Some(instant(rest)),
            "=" => expected.push(rest.to_owned()),
            _ => panic!("line {}: {line:?}", number + 1),
        }
    }
    journal.sort_by_key(|(at, _)| *at);
    let outputs = run(&registry("11", &[SO2_DAY_80]), &until(journal, end.expect("an end")), 50);
    let found = outputs.of(Topic::Referrals).into_iter().map(|event| {
        let text = |name: &str| event.data[name].as_str().unwrap_or("-").to_owned();
        let due = event.data["due"].as_str().map_or(String::new(), |due| format!(" due {}", &due[..10]));
        format!("{} {} {} {} {}{due}", &event.time[..10], &event.time[11..16], text("change"), text("state"), text("stage"))
    });
    (found.collect(), expected)
}

#[test]
fn every_life_goes_as_its_script_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures/cases");
    let mut scripts: Vec<_> = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    scripts.sort();
    assert!(scripts.len() >= 6, "{} scripts", scripts.len());
    for path in scripts {
        let script = std::fs::read_to_string(&path).expect("UTF-8");
        let (found, expected) = play(&script);
        assert_eq!(found, expected, "{}", path.display());
    }
}
