//! `hj212d links`: who is not heard (断链), and what is missing (缺数). From the database alone: outages that go on and those of the last
//! days, silent loggers, and of each outlet what its newest published day hands over.

use super::{Failure, exit, readers, registry, small_runtime};
use crate::domain::time::{DAY_MS, Day, MINUTE_MS, Moment};
use crate::domain::{FactorCode, Mn, Outage, OutletId, Silence};
use crate::registry::{Outlet, Registry};
use crate::rules::{Carry, is_pollutant};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How long an outage that is over is shown.
const OUTAGES_SHOWN_MS: i64 = 10 * DAY_MS;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d links --data data\n  hj212d links --outlet S003-G1 --data data\n  hj212d links --json --data data\n\nReads beside a running daemon and writes nothing. Rates and gaps are those of the days that are published; what is missing today is not among them."
)]
pub(super) struct Arguments {
    /// This outlet (排放口) and its loggers only; outages are shown all the same.
    #[arg(long, value_name = "OUTLET")]
    outlet: Option<String>,
    /// The data folder that serve writes to.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What a data folder knows of its links.
struct Links {
    /// Engine time.
    now: Moment,
    registry: Registry,
    outages: Vec<Outage>,
    silences: BTreeMap<Mn, Silence>,
    /// The newest published day of each outlet, and what it hands over.
    carries: BTreeMap<OutletId, (Day, Carry)>,
}

impl Links {
    async fn load(data: &Path) -> Result<Self, Failure> {
        let shards = readers::shards(data).await?;
        let versions = readers::versions(&shards).await?;
        let registry = registry::ready(&versions, data)?;
        let (mut outages, mut silences, mut carries) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut now: Option<Moment> = None;
        for shard in &shards {
            let (mut store, failed) = (readers::open(shard).await?, readers::failed(shard));
            let time = store.engine_time().await.map_err(failed)?;
            now = Some(now.map_or(time, |now| now.min(time)));
            // Every shard has the outages.
            outages = store.outages().await.map_err(failed)?;
            silences.extend(store.silences().await.map_err(failed)?);
            carries.extend(store.carries().await.map_err(failed)?);
        }
        Ok(Self { now: now.unwrap_or_default(), registry, outages, silences, carries })
    }

    /// Outages that go on, and those that ended in the last days.
    fn outages(&self) -> Vec<Value> {
        let shown = |outage: &&Outage| outage.to.is_none_or(|to| self.now.0 - to.0 <= OUTAGES_SHOWN_MS);
        self.outages.iter().filter(shown).map(outage_body).collect()
    }

    /// Silent loggers, the longest silence first.
    fn silences(&self, only: Option<OutletId>) -> Vec<Value> {
        let mut silences: Vec<&Silence> = self.silences.values().collect();
        silences.sort_by_key(|silence| silence.began.unwrap_or(silence.since));
        let wanted = |silence: &&&Silence| only.is_none_or(|outlet| self.registry.loggers_of(outlet).contains(&silence.mn));
        silences.iter().filter(wanted).map(|silence| self.silence_body(silence)).collect()
    }

    fn silence_body(&self, silence: &Silence) -> Value {
        // Only a silence that nothing excuses is referred.
        let state = match (&silence.excused, silence.referred) {
            (Some(_), _) => "excused",
            (None, true) => "referred",
            (None, false) => "not_surveyed",
        };
        json!({
            "what": "silence",
            "logger": silence.mn,
            "outlets": self.registry.outlets_of(silence.mn, self.now),
            "since": silence.since.to_string(),
            "began": silence.began.map(|began| began.to_string()),
            "minutes": (self.now.0 - silence.since.0) / MINUTE_MS,
            "state": state,
            "excused_by": silence.excused,
        })
    }

    /// Outlets whose row is in force.
    fn outlets(&self, only: Option<OutletId>) -> Vec<Value> {
        let wanted = |outlet: &&Outlet| outlet.validity.holds(self.now) && only.is_none_or(|only| only == outlet.id);
        let body = |outlet: &Outlet| {
            let mut body = json!({"what": "outlet", "outlet": outlet.id, "name": outlet.name, "networking": outlet.networking.name()});
            if let (Some(body), Value::Object(handed)) = (body.as_object_mut(), handed_over(self.carries.get(&outlet.id))) {
                body.extend(handed);
            }
            body
        };
        self.registry.outlets(self.now).filter(wanted).map(body).collect()
    }
}

fn outage_body(outage: &Outage) -> Value {
    json!({
        "what": "outage",
        "scope": outage.scope,
        "scope_zh": outage.scope.says().0,
        "scope_en": outage.scope.says().1,
        "name": outage.name,
        "from": outage.from.to_string(),
        "to": outage.to.map(|to| to.to_string()),
        "loggers_silent": outage.silent.0,
        "loggers": outage.silent.1,
    })
}

/// Of hours that are due (all but stops), the share that is valid: over all pollutants the effective transmission rate (有效传输率,
/// rule A-07), of one of them its capture rate (有效数据捕集率, A-06), both of the month so far.
fn handed_over(newest: Option<&(Day, Carry)>) -> Value {
    let nothing = Carry::default();
    let (day, carry) = newest.map_or((None, &nothing), |(day, carry)| (Some(*day), carry));
    let (mut valid, mut due) = (0, 0);
    let mut lowest: Option<(Decimal, FactorCode)> = None;
    for (factor, hours) in carry.month.iter().filter(|(factor, _)| is_pollutant(**factor)) {
        let due_of_factor = hours.all.saturating_sub(hours.stop);
        (valid, due) = (valid + hours.valid, due + due_of_factor);
        let capture = percent(hours.valid, due_of_factor).map(|rate| (rate, *factor));
        lowest = [lowest, capture].into_iter().flatten().min();
    }
    // A network that is due and missing is a finding of the day.
    let fired = day.and_then(|day| carry.fired.get(&day.to_string()));
    let not_as_required = fired.is_some_and(|fired| fired.iter().any(|(rule, _)| rule.as_str() == "N-01"));
    json!({
        "not_as_required": not_as_required,
        "up_to": day.map(|day| day.to_string()),
        "first_day": carry.ever.map(|day| day.to_string()),
        "month": {
            "valid": valid,
            "due": due,
            "transmission_pct": percent(valid, due),
            "lowest_capture": lowest.map(|(rate, factor)| json!({"factor": factor, "rate_pct": rate})),
        },
        "stable_days": carry.stable_days,
        "stable_days_max": carry.stable_days_max,
        "gaps": carry.gaps.iter().map(|(first, hours)| json!({"from": first.start().to_string(), "hours": hours})).collect::<Vec<_>>(),
    })
}

fn percent(part: u32, of: u32) -> Option<Decimal> {
    Decimal::from(u64::from(part) * 100).checked_div(Decimal::from(of)).map(|share| share.round_dp(1))
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let links = small_runtime()?.block_on(Links::load(&arguments.data))?;
    let known = |name: &str| {
        let outlet = OutletId::new(name).filter(|outlet| links.registry.knows(*outlet));
        outlet.ok_or_else(|| {
            Failure::new(exit::NO_INPUT, format!("no outlet {name:?} in the register in force; hj212d links without --outlet lists them"))
        })
    };
    let only = arguments.outlet.as_deref().map(known).transpose()?;
    let (outages, silences, outlets) = (links.outages(), links.silences(only), links.outlets(only));
    if arguments.json {
        for line in outages.iter().chain(&silences).chain(&outlets) {
            say!("{line}");
        }
        return Ok(());
    }
    say!("截至 as of {}", links.now);
    section("中断 outages", &outages, outage_line);
    section("断链 silent loggers", &silences, silence_line);
    say!("排放口 outlets: {}", outlets.len());
    say!("  up to 截至日, first data 首日数据, valid/due 本月有效/应有小时, rate 有效传输率 %, lowest capture 最低捕集率 %,");
    say!("  stable 稳定天数 days (longest 最长), gaps 未补小时 hours not filled, networking 联网");
    say!("{}", columns(["outlet", "up to", "first data", "valid/due", "rate", "lowest capture", "stable", "gaps", "networking"].map(str::to_owned)));
    for outlet in &outlets {
        say!("{}", columns(outlet_cells(outlet)));
        for gap in list(&outlet["gaps"]) {
            say!("    缺口 gap: {}, {} h", text(&gap["from"]), text(&gap["hours"]));
        }
    }
    Ok(())
}

fn section(title: &str, rows: &[Value], line: impl Fn(&Value) -> String) {
    if rows.is_empty() {
        say!("{title}: 无 none");
        return;
    }
    say!("{title}: {}", rows.len());
    for row in rows {
        say!("  {}", line(row));
    }
}

fn outage_line(outage: &Value) -> String {
    let what = format!("{} {}", text(&outage["scope_zh"]), text(&outage["scope_en"]));
    let name = outage["name"].as_str().filter(|name| !name.is_empty()).map_or_else(String::new, |name| format!("，{name}"));
    let until = outage["to"].as_str().map_or_else(|| "持续 goes on".to_owned(), str::to_owned);
    let silent = match outage["loggers"].as_u64() {
        Some(all) if all > 0 => format!("，断链 silent {} / {all}", text(&outage["loggers_silent"])),
        _ => String::new(),
    };
    format!("{what}{name}：{} – {until}{silent}", text(&outage["from"]))
}

fn silence_line(silence: &Value) -> String {
    let outlets: Vec<String> = list(&silence["outlets"]).map(text).collect();
    let state = match silence["state"].as_str() {
        Some("referred") => "已移送 referred".to_owned(),
        Some("excused") => format!("不计 excused by the outage of {}", text(&silence["excused_by"])),
        _ => "待核查 not surveyed yet".to_owned(),
    };
    let began = silence["began"].as_str().map_or_else(String::new, |began| format!("，中断前自 before an outage since {began}"));
    let (logger, since, minutes) = (text(&silence["logger"]), text(&silence["since"]), text(&silence["minutes"]));
    format!("{logger}，{}：自 since {since}，{minutes} 分钟 min{began}，{state}", outlets.join(" "))
}

fn outlet_cells(outlet: &Value) -> [String; 9] {
    let month = &outlet["month"];
    let capture = &month["lowest_capture"];
    let gaps: u64 = list(&outlet["gaps"]).filter_map(|gap| gap["hours"].as_u64()).sum();
    let overdue = if outlet["not_as_required"] == true { ", N-01" } else { "" };
    [
        text(&outlet["outlet"]),
        text(&outlet["up_to"]),
        text(&outlet["first_day"]),
        format!("{}/{}", text(&month["valid"]), text(&month["due"])),
        text(&month["transmission_pct"]),
        if capture.is_null() { text(capture) } else { format!("{} {}", text(&capture["factor"]), text(&capture["rate_pct"])) },
        format!("{} ({})", text(&outlet["stable_days"]), text(&outlet["stable_days_max"])),
        gaps.to_string(),
        text(&outlet["networking"]) + overdue,
    ]
}

/// A line of the table of outlets.
fn columns([outlet, up_to, first, hours, rate, capture, stable, gaps, networking]: [String; 9]) -> String {
    format!("  {outlet:<24} {up_to:<10}  {first:<10}  {hours:>13}  {rate:>5}  {capture:<16}  {stable:>9}  {gaps:>4}  {networking}")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text of the value, whatever its JSON kind; a dash for none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RuleId, Severity};

    #[test]
    fn rates_are_those_of_pollutants_and_a_finding_says_that_the_network_is_missing() {
        let day = Day::parse("2026-03-14").expect("a day");
        let mut carry = Carry { stable_days: 3, ever: Some(day), gaps: vec![(day.hour(5), 2)], ..Carry::default() };
        for (factor, valid, stop) in [("a21026", 40, 8), ("a21002", 20, 8), ("a19001", 48, 0)] {
            let hours = carry.month.entry(FactorCode::known(factor)).or_default();
            (hours.all, hours.valid, hours.stop) = (48, valid, stop);
        }
        carry.fired.insert(day.to_string(), vec![(RuleId::known("N-01"), Severity::High)]);
        let body = handed_over(Some(&(day, carry)));
        assert_eq!((&body["month"]["valid"], &body["month"]["due"]), (&json!(60), &json!(80)));
        assert_eq!(body["month"]["transmission_pct"], "75");
        assert_eq!(body["month"]["lowest_capture"], json!({"factor": "a21002", "rate_pct": "50"}));
        assert_eq!(body["gaps"], json!([{"from": "2026-03-14T05:00:00+08:00", "hours": 2}]));
        assert_eq!((&body["not_as_required"], &body["first_day"]), (&json!(true), &json!("2026-03-14")));
    }

    #[test]
    fn an_outlet_without_a_published_day_has_no_rates() {
        let body = handed_over(None);
        assert!(body["up_to"].is_null() && body["month"]["transmission_pct"].is_null() && body["month"]["lowest_capture"].is_null());
        assert_eq!(body["not_as_required"], false);
    }
}
