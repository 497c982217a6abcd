//! `hj212d referrals`: referrals with their evidence, as a person reads them.

use super::{Failure, exit};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  hj212d referrals --data data\n  hj212d referrals --file out/referrals.jsonl --packets")]
pub(super) struct Arguments {
    /// The data folder that serve writes to.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// A file of referral events, one JSON object a line, instead.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show every deciding packet, not the first three.
    #[arg(long)]
    packets: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = arguments.file.clone().unwrap_or_else(|| arguments.data.join("out").join("hj212.referrals.v1.jsonl"));
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && arguments.file.is_none() && arguments.data.is_dir() => {
            say!("没有线索 / no referrals yet in {}", arguments.data.display());
            return Ok(());
        }
        Err(error) => return Err(Failure::new(exit::NO_INPUT, format!("{}: {error}", file.display()))),
    };
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let event: Value =
            serde_json::from_str(line).map_err(|error| Failure::new(exit::DATA, format!("{}:{}: {error}", file.display(), number + 1)))?;
        say!("{}", letter(&event, if arguments.packets { usize::MAX } else { 3 }));
    }
    Ok(())
}

/// A text of the value, whatever its JSON kind; a dash for none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn letter(event: &Value, packets: usize) -> String {
    let data = &event["data"];
    let mut letter = String::new();
    let mut say = |line: String| {
        letter.push_str(&line);
        letter.push('\n');
    };
    let rule = "─".repeat(96);
    say(rule.clone());
    say(format!("{}  {} / {}", text(&data["kind_zh"]), text(&data["change_zh"]), text(&data["change_en"])));
    say(format!("案件 case          {}  第{}号 event {}", text(&data["case"]), text(&data["case_sequence"]), text(&event["time"])));
    say(format!("排污单位 site      {} / {}（{}）", text(&data["site"]["name"]), text(&data["site"]["name_en"]), text(&data["site"]["region"])));
    say(format!("排放口 outlet      {} {} / {}", text(&data["outlet"]["id"]), text(&data["outlet"]["name"]), text(&data["outlet"]["name_en"])));
    say(format!("污染物 factor      {} {} / {}", text(&data["factor"]["code"]), text(&data["factor"]["name_zh"]), text(&data["factor"]["name_en"])));
    for finding in data["findings"].as_array().into_iter().flatten() {
        let (facts, limit) = (&finding["facts"], &finding["facts"]["limit"]);
        say(String::new());
        say(format!("  {}", text(&finding["sentence_zh"])));
        say(format!("  {}", text(&finding["sentence_en"])));
        if limit.is_object() {
            say(format!("  限值 limit       {} {} — {}", text(&limit["figure"]), text(&limit["unit"]), text(&limit["standard"])));
            say(format!("                   来源 source: {} [{} {}]", text(&limit["source"]), text(&limit["grade"]), text(&limit["grade_zh"])));
        }
        say(format!(
            "  规则 rule        {} {} — {} [{}]",
            text(&finding["rule"]),
            text(&finding["title_zh"]),
            text(&finding["source"]["text"]),
            text(&finding["source"]["grade"])
        ));
        say(format!(
            "  严重程度 severity {}，把握 confidence {}，有效小时 valid hours {}",
            text(&finding["severity"]),
            text(&finding["confidence"]),
            text(&facts["valid_hours"])
        ));
    }
    say(String::new());
    say("  小时 hour   实测 measured   折算 converted   有效分钟 minutes   类别 class".to_owned());
    let hours: Vec<&Value> = data["hours"].as_array().into_iter().flatten().collect();
    for hour in hours.iter().filter(|hour| hour["kind"] == "measured") {
        let converted = hours.iter().find(|other| other["kind"] == "converted" && other["start"] == hour["start"]);
        let start = text(&hour["start"]);
        say(format!(
            "  {:<11} {:>12}   {:>14}   {:>14}     {}",
            start.get(11..16).unwrap_or(&start),
            text(&hour["value"]),
            converted.map_or_else(|| "—".to_owned(), |other| text(&other["value"])),
            text(&hour["count"]),
            text(&hour["class"])
        ));
    }
    let all: Vec<&Value> = data["packets"].as_array().into_iter().flatten().collect();
    say(String::new());
    say(format!("  关键数据包 deciding packets: {}", all.len()));
    for packet in all.iter().take(packets) {
        say(format!("    #{} {} MN {}", text(&packet["sequence"]), text(&packet["arrived"]), text(&packet["logger"])));
        say(format!("      链 chain {}", text(&packet["chain"])));
        say(format!("      {}", text(&packet["segment"])));
    }
    if all.len() > packets {
        say(format!("    … {} more with --packets", all.len() - packets));
    }
    for range in data["packet_ranges"].as_array().into_iter().flatten() {
        say(format!(
            "  全部数据包 all packets: MN {}, #{} – #{}, {} in all, 链末 chain end {}",
            text(&range["logger"]),
            text(&range["first"]),
            text(&range["last"]),
            text(&range["count"]),
            text(&range["chain"])
        ));
    }
    say(format!("  版本 versions     rules {}，registry {}", text(&data["versions"]["rule_set"]), text(&data["versions"]["registry"])));
    say(rule);
    letter
}
