//! `hj212d means`: an outlet's hours, day, month or quarter, as an inspector wants them.
//!
//! The rows of the days are read by the register and the figures in force now. One document holds everything that is shown;
//! the table and the CSV lines are other faces of it, so that the three cannot differ. Nothing is written.

use super::{Failure, config, existing_database, exit, small_runtime};
use crate::aggregation::month::{self, Hours};
use crate::aggregation::{Conversion, HourCell, SeriesDay, emission};
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Hour, MINUTE_MS, Moment};
use crate::domain::{Basis, FactorCode, Figure, HourClass, Kind, Limit, Mean, Medium, Mn, Origin, OutletDay, OutletId, RuleSet, Series};
use crate::engine::{DayRow, StoredDay};
use crate::message::{Topic, finding_body, mean_body};
use crate::protocol::factor;
use crate::protocol::marker::Marker;
use crate::registry::{ConversionOrder, Exemption, Files, Registry, Restriction};
use crate::rules::{exceedance, factor_names};
use crate::store::{Store, StoreError};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Columns of a line of the table.
const LINE_WIDTH: usize = 150;
/// Days before a quarter in which valid amounts are searched: 2160 hours are ninety of them.
const HISTORY_DAYS: i32 = 100;
/// Days around a period in which data are looked for.
const NEAR_DAYS: i32 = 31;
/// Other outlets whose rows are looked at to see how far time has gone.
const WITNESSES_MAX: usize = 16;
/// pH 值: no concentration.
const PH: &str = "w01001";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hj212d means S1-G1 --day 2026-03-14\n  hj212d means S1-G1 --day 2026-03-14 --factor a21026 --explain\n  hj212d means S1-G1 --month 2026-03 --format csv > march.csv\n  hj212d means S1-G1 --quarter 2026Q1 --format json --data /var/lib/hj212d\n\nReads beside a running daemon and writes nothing. Figures in brackets do not count: what is there is not enough, or is exempt."
)]
#[command(group(clap::ArgGroup::new("period").required(true).args(["day", "month", "quarter"])))]
pub(super) struct Arguments {
    /// The outlet (排放口), as the register names it.
    outlet: String,
    /// A day: its hours, means, limits and verdicts.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = config::day)]
    day: Option<Day>,
    /// A month: means, validity, rates, amounts.
    #[arg(long, value_name = "YYYY-MM", value_parser = month_of)]
    month: Option<Period>,
    /// A quarter: the same, and what stands in for missing amounts.
    #[arg(long, value_name = "YYYYQn", value_parser = quarter_of)]
    quarter: Option<Period>,
    /// This factor only.
    #[arg(long, value_name = "CODE")]
    factor: Option<String>,
    /// Say how each number of the day came about (table and json).
    #[arg(long, requires = "day")]
    explain: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The data folder that serve writes to.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person.
    Table,
    /// A line for each mean.
    Csv,
    /// One object with everything.
    Json,
}

/// Days that are looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Period {
    name: String,
    first: Day,
    last: Day,
    /// 1 to 12; none: a day or a quarter.
    month: Option<u32>,
}

impl Period {
    fn of_day(day: Day) -> Self {
        Self { name: day.to_string(), first: day, last: day, month: None }
    }

    /// Whole months from `month` on, 1 to 12.
    fn of_months(name: String, year: &str, month: u32, count: u32) -> Option<Self> {
        let (first, next) = (Day::parse(&format!("{year}-{month:02}-01"))?, month + count);
        let year: u32 = year.parse().ok()?;
        let after = Day::parse(&format!("{:04}-{:02}-01", year + (next - 1) / 12, (next - 1) % 12 + 1))?;
        Some(Self { name, first, last: Day(after.0 - 1), month: (count == 1).then_some(month) })
    }

    fn days(&self) -> impl Iterator<Item = Day> {
        (self.first.0..=self.last.0).map(Day)
    }
}

fn month_of(text: &str) -> Result<Period, String> {
    let parsed = || {
        let (year, month) = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2)?;
        let month: u32 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
        Period::of_months(text.to_owned(), year, month, 1)
    };
    parsed().ok_or_else(|| format!("{text:?} is no month; write 2026-03"))
}

fn quarter_of(text: &str) -> Result<Period, String> {
    let parsed = || {
        let (year, quarter) = text.split_once(['Q', 'q']).filter(|(year, _)| year.len() == 4)?;
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        Period::of_months(text.to_ascii_uppercase(), year, quarter * 3 - 2, 3)
    };
    parsed().ok_or_else(|| format!("{text:?} is no quarter; write 2026Q1"))
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let period = match (&arguments.day, &arguments.month, &arguments.quarter) {
        (Some(day), _, _) => Period::of_day(*day),
        (_, Some(period), _) | (_, _, Some(period)) => period.clone(),
        // The group of the arguments asks for one of them.
        _ => return Err(Failure::new(exit::DATA, "no period; give --day, --month or --quarter")),
    };
    let stored = small_runtime()?.block_on(Stored::load(arguments, &period))?;
    let report = match arguments.day {
        Some(day) => day_report(&stored, day, arguments.explain)?,
        None => period_report(&stored, &period),
    };
    let text = match (arguments.format, arguments.day) {
        (Format::Json, _) => serde_json::to_string_pretty(&report).map_err(|error| Failure::new(exit::SOFTWARE, error.to_string()))? + "\n",
        (Format::Csv, Some(_)) => lines(DAY_COLUMNS, &day_lines(&report))?,
        (Format::Csv, None) => lines(PERIOD_COLUMNS, &period_lines(&report))?,
        (Format::Table, Some(_)) => day_table(&report),
        (Format::Table, None) => period_table(&report),
    };
    say!("{}", text.trim_end());
    Ok(())
}

// --- what is stored ---------------------------------------------------------------------------------------------------

/// What a data folder holds about an outlet's days.
struct Stored {
    registry: Registry,
    set: RuleSet,
    outlet: OutletId,
    loggers: Vec<Mn>,
    only: Option<FactorCode>,
    days: BTreeMap<Day, StoredDay>,
    /// When the first document was put in force: nothing is older.
    began: Moment,
    /// Engine time as far as it shows: an hour that cannot be closed yet is not counted.
    until: Moment,
}

impl Stored {
    async fn load(arguments: &Arguments, period: &Period) -> Result<Self, Failure> {
        let (data, database) = (arguments.data.display(), existing_database(&arguments.data)?);
        let failed = |error: StoreError| Failure::new(exit::SOFTWARE, format!("{}: {error}", database.display()));
        let mut store = Store::read(&database).await.map_err(failed)?;
        let versions = store.versions().await.map_err(failed)?;
        let nothing = || Failure::new(exit::NO_INPUT, format!("no register in {data}; hj212d registry import DIR --data {data} puts one in force"));
        let register = versions.iter().rfind(|version| version.registry).ok_or_else(nothing)?;
        let unreadable = |what: String| Failure::new(exit::SOFTWARE, what);
        let files: Files =
            serde_json::from_slice(&register.content).map_err(|error| unreadable(format!("the register of entry {}: {error}", register.sequence)))?;
        let registry = Registry::parse(&files).map_err(|faults| unreadable(format!("the register in force has {} faults", faults.len())))?;
        let set = match versions.iter().rfind(|version| !version.registry) {
            None => RuleSet::default(),
            Some(version) => RuleSet::parse(&String::from_utf8_lossy(&version.content))
                .map_err(|error| unreadable(format!("the rule set of entry {}: {error}", version.sequence)))?,
        };
        let outlet = known_outlet(&registry, &arguments.outlet, period.first.start())?;
        let only = arguments.factor.as_deref().map(|code| known_factor(&registry, outlet, code)).transpose()?;
        let mut until = versions.iter().map(|version| version.at).max().unwrap_or_default().max(last_root(&arguments.data).unwrap_or_default());
        let mut days = BTreeMap::new();
        let reach = if arguments.quarter.is_some() { HISTORY_DAYS } else { 0 };
        for day in (period.first.0 - reach..=period.last.0).map(Day) {
            let key = OutletDay { outlet, day };
            if let Some(row) = store.day_row(key).await.map_err(failed)? {
                until = until.max(shown_by(&row, day, &set));
                days.insert(day, StoredDay::new(key, row, &registry));
            }
        }
        // Where this outlet is silent the others show how far time has gone.
        let others = registry.outlets(period.first.start()).map(|row| row.id).filter(|other| *other != outlet).take(WITNESSES_MAX);
        let witnesses: Vec<OutletId> = std::iter::once(outlet).chain(others).collect();
        let first = until.day().0.max(period.first.0);
        for day in (first..=period.last.0 + NEAR_DAYS).rev().map(Day) {
            let mut shown = Moment::default();
            for outlet in &witnesses {
                let row = store.day_row(OutletDay { outlet: *outlet, day }).await.map_err(failed)?;
                shown = row.map_or(shown, |row| shown.max(shown_by(&row, day, &set)));
            }
            if shown > Moment::default() {
                until = until.max(shown);
                break;
            }
        }
        let stored = Self {
            loggers: registry.loggers_of(outlet),
            registry,
            set,
            outlet,
            only,
            days,
            began: versions.iter().map(|version| version.at).min().unwrap_or_default(),
            until,
        };
        if period.days().any(|day| stored.days.contains_key(&day)) {
            return Ok(stored);
        }
        let mut near = Vec::new();
        for side in [-1, 1] {
            for distance in 1..=NEAR_DAYS {
                let from = if side < 0 { period.first } else { period.last };
                let day = Day(from.0 + side * distance);
                if store.day_row(OutletDay { outlet, day }).await.map_err(failed)?.is_some() {
                    near.push(day.to_string());
                    break;
                }
            }
        }
        let advice = match near.as_slice() {
            [] => format!("there are none within {NEAR_DAYS} days of it either: is {data} the folder that serve writes to?"),
            days => format!("the nearest are of {}", days.join(" and ")),
        };
        Err(Failure::new(exit::NO_INPUT, format!("no data of {outlet} for {}; {advice}", period.name)))
    }

    /// Whether an hour is over, late minutes included.
    fn is_closed(&self, hour: Hour) -> bool {
        closes(hour, &self.set) <= self.until
    }

    fn is_shown(&self, factor: FactorCode) -> bool {
        self.only.is_none_or(|only| only == factor)
    }

    /// The factors to be shown: those of the register, and those of which something came.
    fn factors<'s, 'd: 's>(&self, series: impl Iterator<Item = &'s SeriesDay<'d>>) -> BTreeSet<FactorCode> {
        let all = self.registry.factors(self.outlet).chain(series.map(|series| series.factor));
        all.filter(|factor| self.is_shown(*factor)).collect()
    }

    fn is_registered(&self, factor: FactorCode, at: Moment) -> bool {
        self.loggers.iter().any(|mn| self.registry.series(*mn, self.outlet, factor, at).is_some())
    }

    /// The unit of a factor's numbers; empty for a mere number.
    fn unit(&self, factor: FactorCode, at: Moment) -> &str {
        let row = self.loggers.iter().find_map(|mn| self.registry.series(*mn, self.outlet, factor, at));
        let unit = row.map_or_else(|| factor::find(factor.as_str()).map_or("", |row| row.unit), |row| row.unit.as_str());
        if matches!(unit, "-" | "1") { "" } else { unit }
    }

    /// Whether hours of the factor make amounts.
    fn is_concentration(&self, factor: FactorCode, at: Moment) -> bool {
        let Some(outlet) = self.registry.outlet(self.outlet, at) else { return false };
        let unit = self.unit(factor, at).to_ascii_lowercase();
        let fits = match outlet.medium {
            Medium::Gas => matches!(unit.as_str(), "mg/m3" | "mg/m³"),
            Medium::Water => unit == "mg/l",
        };
        fits && factor.as_str() != PH && ![outlet.flow_factor, outlet.oxygen_factor, outlet.temperature_factor].contains(&Some(factor))
    }

    /// What stands at the head of every report.
    fn head(&self, day: Day) -> Map<String, Value> {
        let outlet = self.registry.outlet(self.outlet, day.start());
        let site = outlet.and_then(|outlet| self.registry.site(outlet.site));
        let head = json!({
            "site": site.map(|site| json!({"id": site.id, "name": site.name, "name_en": site.name_en, "region": site.region})),
            "outlet": outlet.map(|outlet| json!({"id": outlet.id, "name": outlet.name, "name_en": outlet.name_en, "medium": outlet.medium,
                "reference_oxygen_pct": outlet.reference_oxygen})),
            "versions": {"registry": self.registry.version(), "rule_set": self.set.version()},
            "counted_until": self.until.to_string(),
        });
        match head {
            Value::Object(head) => head,
            _ => Map::new(),
        }
    }
}

fn closes(hour: Hour, set: &RuleSet) -> Moment {
    hour.end().plus_ms(i64::from(set.hour_provisional_after_min.value) * MINUTE_MS)
}

/// The engine time that a day's row proves to have been reached.
fn shown_by(row: &DayRow, day: Day, set: &RuleSet) -> Moment {
    let after = |minutes: u32| day.end().plus_ms(i64::from(minutes) * MINUTE_MS);
    let closed = |cells: &Vec<Option<HourCell>>| cells.iter().rposition(Option::is_some).map(|hour| closes(day.hour(hour as u8), set));
    let hours = row.cells.values().filter_map(closed).max();
    let day = row.published.contains_key(&24).then(|| after(set.day_provisional_after_min.value));
    let confirmed = row.confirmed.then(|| after(set.day_confirmed_after_min.value));
    [hours, day, confirmed].into_iter().flatten().max().unwrap_or_default()
}

/// The engine time that the last hourly root names: time goes on where an outlet is silent. A folder need not have the file.
fn last_root(data: &Path) -> Option<Moment> {
    let text = std::fs::read_to_string(data.join("out").join(format!("{}.jsonl", Topic::Roots.name()))).ok()?;
    let last: Value = text.lines().rev().find_map(|line| serde_json::from_str(line).ok())?;
    Moment::parse_rfc3339(last["time"].as_str()?)
}

fn known_outlet(registry: &Registry, name: &str, at: Moment) -> Result<OutletId, Failure> {
    let known = OutletId::new(name).filter(|outlet| registry.outlet(*outlet, at).is_some());
    known.ok_or_else(|| {
        let names: Vec<String> = registry.outlets(at).map(|outlet| outlet.id.to_string()).collect();
        Failure::new(exit::NO_INPUT, format!("no outlet {name:?} in the register in force; {}", near(name, names)))
    })
}

fn known_factor(registry: &Registry, outlet: OutletId, code: &str) -> Result<FactorCode, Failure> {
    let known = FactorCode::new(code).filter(|code| registry.factors(outlet).any(|factor| factor == *code));
    known.ok_or_else(|| {
        let names: Vec<String> = registry.factors(outlet).map(|factor| factor.to_string()).collect();
        Failure::new(exit::NO_INPUT, format!("no factor {code:?} at {outlet} in the register in force; {}", near(code, names)))
    })
}

/// Up to three names that are near the one that was given, or the first ones.
fn near(name: &str, names: Vec<String>) -> String {
    let count = names.len();
    let mut ranked: Vec<(usize, String)> = names.iter().map(|known| (distance(name, known), known.clone())).collect();
    ranked.sort();
    let close = ranked.into_iter().filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(2));
    let close: Vec<String> = close.map(|(_, known)| known).take(3).collect();
    if !close.is_empty() {
        return format!("near it: {}", close.join(", "));
    }
    if count == 0 {
        "it has none".to_owned()
    } else {
        format!("it has {count}: {}{}", names[..count.min(3)].join(", "), if count > 3 { " …" } else { "" })
    }
}

/// Letters that must be put in, taken out or changed to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *known);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

// --- the day ----------------------------------------------------------------------------------------------------------

fn day_report(stored: &Stored, day: Day, explain: bool) -> Result<Value, Failure> {
    let missing = || {
        let what = format!("no hour of {} on {day} is closed yet; the first is ten minutes after its end", stored.outlet);
        Failure::new(exit::NO_INPUT, what)
    };
    let held = stored.days.get(&day).ok_or_else(missing)?;
    let series = held.series(&stored.registry, &stored.set);
    if series.is_empty() {
        return Err(missing());
    }
    let row = held.row();
    let revision = row.published.get(&24).map(|(revision, _)| *revision);
    let means: Vec<Mean> = series.iter().flat_map(SeriesDay::day_means).collect();
    let factors = stored.factors(series.iter());
    let shown = || series.iter().filter(|series| stored.is_shown(series.factor));
    let unit = |factor| stored.unit(factor, day.start());
    let hours = (0..24u8).map(|hour| {
        json!({
            "hour": format!("{hour:02}"),
            "start": day.hour(hour).start().to_string(),
            "closed": stored.is_closed(day.hour(hour)) || series.iter().any(|series| series.cells[usize::from(hour)].is_some()),
            "means": shown().flat_map(|series| hour_bodies(series, hour, unit(series.factor))).collect::<Vec<_>>(),
        })
    });
    let day_means = means.iter().filter(|mean| stored.is_shown(mean.factor)).map(|mean| {
        let mut body = mean_body(mean);
        put(&mut body, "unit", json!(unit(mean.factor)));
        body
    });
    let findings = row.findings.values().filter(|finding| stored.is_shown(finding.factor));
    let mut report = stored.head(day);
    report.extend([
        ("day".to_owned(), json!(day.to_string())),
        ("status".to_owned(), json!(if row.confirmed { "confirmed" } else { revision.map_or("open", |_| "provisional") })),
        ("revision".to_owned(), json!(revision)),
        ("factors".to_owned(), factors.iter().map(|factor| factor_body(*factor, unit(*factor))).collect()),
        ("hours".to_owned(), hours.collect()),
        ("day_means".to_owned(), day_means.collect()),
        ("limits".to_owned(), factors.iter().flat_map(|factor| limit_bodies(stored, day, *factor, &series, &means)).collect()),
        ("exemptions".to_owned(), exemptions(stored, day, &factors)),
        ("restrictions".to_owned(), restrictions(stored, day)),
        ("findings".to_owned(), findings.map(finding_body).collect()),
    ]);
    if explain {
        let closed = |hour: u8| stored.is_closed(day.hour(hour));
        report.insert("explanation".to_owned(), shown().flat_map(|series| explanation(series, closed)).map(Value::from).collect());
    }
    Ok(Value::Object(report))
}

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

fn factor_body(factor: FactorCode, unit: &str) -> Value {
    let (zh, en) = factor_names(factor);
    json!({"factor": factor, "name_zh": zh, "name_en": en, "unit": unit})
}

/// The hour's means as they leave the house, and what is known of their cell.
fn hour_bodies(series: &SeriesDay<'_>, hour: u8, unit: &str) -> Vec<Value> {
    let Some(cell) = &series.cells[usize::from(hour)] else { return Vec::new() };
    let marks: Map<String, Value> = marks(cell).into_iter().map(|(name, minutes)| (name, json!(minutes))).collect();
    let body = |mean: &Mean| {
        let mut body = mean_body(mean);
        put(&mut body, "unit", json!(unit));
        put(&mut body, "marks", Value::Object(marks.clone()));
        put(&mut body, "received_minutes", json!(cell.received_minutes));
        put(&mut body, "unused", json!(cell.unused));
        if let Some(oxygen) = cell.oxygen().filter(|_| mean.kind == Kind::Converted) {
            put(&mut body, "oxygen", json!(oxygen.shown()));
        }
        if let Some(sequences) = cell.sequences {
            put(&mut body, "sequences", json!(sequences));
        }
        if let Some(peak) = cell.peak {
            put(&mut body, "peak_sequence", json!(peak.sequence));
        }
        body
    };
    series.hour_means(hour).iter().map(body).collect()
}

/// Minutes by mark, what is normal first. A logger may send anything as a mark: no control character reaches a terminal. A dash:
/// no mark was sent.
fn marks(cell: &HourCell) -> Vec<(String, u32)> {
    let name = |marker: Marker| if marker == Marker::ABSENT { "-".to_owned() } else { marker.text().replace(char::is_control, "?") };
    let mut marks = cell.marked.clone();
    marks.sort_by_key(|(marker, _)| *marker != Marker::NORMAL);
    marks.into_iter().map(|(marker, minutes)| (name(marker), minutes)).collect()
}

/// Every limit of a factor that touches the day, and what it says of it.
fn limit_bodies(stored: &Stored, day: Day, factor: FactorCode, series: &[SeriesDay<'_>], means: &[Mean]) -> Vec<Value> {
    let (registry, set) = (&stored.registry, &stored.set);
    let (key, start) = (Series { outlet: stored.outlet, factor }, day.start());
    let of_factor: Vec<Mean> = means.iter().filter(|mean| mean.factor == factor).cloned().collect();
    let temperature_factor = registry.outlet(stored.outlet, start).and_then(|outlet| outlet.temperature_factor);
    let warm = |mean: &&Mean| Some(mean.factor) == temperature_factor && mean.kind == Kind::Measured && mean.valid;
    let temperature = means.iter().find(warm).and_then(|mean| mean.value.as_ref());
    let mut bodies = Vec::new();
    for limit in registry.limits(key, Basis::Day, start) {
        let (figure, note) = exceedance::figure(limit, temperature, set);
        let mut body = limit_body(factor, limit, figure, note);
        match exceedance::judge(&of_factor, limit, temperature, set) {
            exceedance::Outcome::Judged(judgement) => {
                put(&mut body, "verdict", json!(if judgement.comparison.exceeds { "exceeds" } else { "complies" }));
                put(&mut body, "value", json!(judgement.mean.value.as_ref().map(Ratio::shown)));
                put(&mut body, "multiple", json!(judgement.comparison.multiple.as_ref().map(Ratio::shown)));
                put(&mut body, "marginal", json!(judgement.comparison.marginal));
            }
            exceedance::Outcome::NotEvaluable(why) => {
                put(&mut body, "verdict", json!("not_evaluable"));
                put(&mut body, "why", json!(why));
            }
        }
        bodies.push(body);
    }
    // An hourly limit may change within the day; each is compared with the hours in which it is in force.
    let mut hourly: Vec<(&Limit, Vec<Value>)> = Vec::new();
    let series = series.iter().find(|series| series.factor == factor);
    for hour in 0..24u8 {
        let hour_means = series.map(|series| series.hour_means(hour)).unwrap_or_default();
        for limit in registry.limits(key, Basis::Hour, day.hour(hour).start()) {
            let at = hourly.iter().position(|(known, _)| *known == limit).unwrap_or(hourly.len());
            if at == hourly.len() {
                hourly.push((limit, Vec::new()));
            }
            let kind = if limit.converted { Kind::Converted } else { Kind::Measured };
            let Some(mean) = hour_means.iter().find(|mean| mean.kind == kind && mean.valid) else { continue };
            let figure = exceedance::figure(limit, temperature, set).0;
            let in_force = Limit { limit: figure.to_owned(), ..limit.clone() };
            if let Some(value) = mean.value.as_ref().filter(|value| exceedance::compare(value, &in_force).exceeds) {
                hourly[at].1.push(json!({"hour": format!("{hour:02}"), "value": value.shown()}));
            }
        }
    }
    for (limit, above) in hourly {
        let (figure, note) = exceedance::figure(limit, temperature, set);
        let mut body = limit_body(factor, limit, figure, note);
        put(&mut body, "verdict", json!("information"));
        put(&mut body, "hours_above", json!(above));
        bodies.push(body);
    }
    for limit in registry.limits(key, Basis::FiveMinutes, start) {
        let mut body = limit_body(factor, limit, &limit.limit, None);
        put(&mut body, "verdict", json!("not_evaluable"));
        put(&mut body, "why", json!("five-minute means"));
        bodies.push(body);
    }
    bodies
}

fn limit_body(factor: FactorCode, limit: &Limit, figure: &str, note: Option<&str>) -> Value {
    json!({
        "factor": factor,
        "basis": limit.basis,
        "type": limit.limit_type,
        "figure": figure,
        "figure_note": note,
        "unit": limit.unit,
        "kind": if limit.converted { Kind::Converted } else { Kind::Measured },
        "standard": limit.standard,
        "source": limit.source,
        "grade": limit.grade,
        "grade_zh": limit.grade.says().0,
        "grade_en": limit.grade.says().1,
        "note": limit.note,
        "restricted": limit.restricted,
        "valid_from": limit.valid_from.to_string(),
        "valid_to": limit.valid_to.map(|to| to.to_string()),
    })
}

fn exemptions(stored: &Stored, day: Day, factors: &BTreeSet<FactorCode>) -> Value {
    let mut found: Vec<&Exemption> = Vec::new();
    for (factor, hour) in factors.iter().flat_map(|factor| (0..24).map(move |hour| (*factor, day.hour(hour)))) {
        let exemption = stored.registry.exemption(stored.outlet, factor, hour.start(), hour.end());
        found.extend(exemption.filter(|exemption| !found.contains(exemption)));
    }
    let body = |row: &&Exemption| {
        json!({"factor": row.factor, "kind": row.kind.name(), "document": row.document, "approved_by": row.approved_by,
            "approved_on": row.approved_on.to_string(), "from": row.validity.from.to_string(), "to": row.validity.to.map(|to| to.to_string())})
    };
    found.iter().map(body).collect()
}

fn restrictions(stored: &Stored, day: Day) -> Value {
    let mut found: Vec<&Restriction> = Vec::new();
    for minute in 0..24 * 60 {
        let restriction = stored.registry.restricted(stored.outlet, day.start().plus_ms(minute * MINUTE_MS));
        found.extend(restriction.filter(|restriction| !found.contains(restriction)));
    }
    let body = |row: &&Restriction| {
        let (from, to) = (row.validity.from.to_string(), row.validity.to.map(|to| to.to_string()));
        json!({"name": row.name, "document": row.document, "from": from, "to": to})
    };
    found.iter().map(body).collect()
}

// --- how a number came about --------------------------------------------------------------------------------------------

fn explanation(series: &SeriesDay<'_>, closed: impl Fn(u8) -> bool) -> Vec<String> {
    let (zh, en) = factor_names(series.factor);
    let mut lines = vec![format!("{} {zh} / {en}", series.factor)];
    for hour in 0..24u8 {
        if let Some(cell) = &series.cells[usize::from(hour)] {
            lines.extend(hour_explanation(series, hour, cell));
        }
    }
    for mean in series.day_means() {
        lines.extend(day_explanation(series, &mean, &closed));
    }
    lines
}

/// `45 valid minutes [S]`.
fn figure<T: std::fmt::Display>(figure: &Figure<T>, what: &str) -> String {
    format!("{}{what} [{:?}]", figure.value, figure.source.grade)
}

/// `85 (85/1)`.
fn exactly(value: &Ratio) -> String {
    format!("{} ({})", value.shown(), value.fraction())
}

fn hour_explanation(series: &SeriesDay<'_>, hour: u8, cell: &HourCell) -> Vec<String> {
    let (class, means) = (series.class(hour), series.hour_means(hour));
    let origin = match cell.origin {
        Origin::Minutes => "分钟记录 minutes (2051)",
        Origin::Samples => "实时样本 samples (2011)",
        Origin::Reported => "上报小时值 reported hour (2061)",
        Origin::Nothing => "无 nothing",
    };
    let marks: Vec<String> = marks(cell).into_iter().map(|(name, minutes)| format!("{name}{minutes}")).collect();
    let mut lines = vec![format!(
        "  {hour:02}  {origin}，收到 received {}，有效 valid {}，标记 marks {}，未用 not used {}；{} → {}",
        cell.received_minutes,
        cell.valid_minutes,
        if marks.is_empty() { "—".to_owned() } else { marks.join(" ") },
        cell.unused,
        decided(cell, class, series.set),
        class_words(class_name(class))
    )];
    let mut parts = Vec::new();
    if let Some(mean) = means.first() {
        parts.push(match (&mean.value, &mean.indicative) {
            (Some(value), _) => format!("实测 measured {}", exactly(value)),
            (None, Some(value)) => format!("实测 measured 无 none，部分均值 partial mean {}", exactly(value)),
            (None, None) => "实测 measured 无 none".to_owned(),
        });
        parts.extend(mean.note.as_deref().map(note_words));
        parts.extend(mean.shadow.as_ref().map(|shadow| format!("影子均值 shadow {}", shadow.shown())));
        parts.extend(mean.volume.as_ref().map(|volume| format!("量 volume {} m³", volume.shown())));
        parts.extend(mean.reported.as_ref().map(|reported| format!("上报 reported {}", reported.value)));
    }
    parts.extend(cell.sequences.map(|(first, last)| format!("数据包 packets #{first}–#{last}")));
    parts.extend(cell.peak.map(|peak| format!("峰值 peak {} #{}", cell.max.unwrap_or_default(), peak.sequence)));
    lines.push(format!("      {}", parts.join("，")));
    if let Some(mean) = means.iter().find(|mean| mean.kind == Kind::Converted) {
        let other = mean.cross_check.map_or_else(String::new, |other| format!("；逐分钟折算再平均 the other order {other}"));
        lines.push(format!("      折算 converted {}{other}", conversion(series, cell, mean)));
    }
    lines
}

/// The figure that decided the class of an hour.
fn decided(cell: &HourCell, class: HourClass, set: &RuleSet) -> String {
    let least = figure(&set.hour_minutes_min, " valid minutes");
    let stopped = cell.minutes_marked(Marker::STOPPED);
    match class {
        HourClass::Valid if cell.water => "一值即可，无异常 a value, none abnormal [HJ 212-2017 D.1]".to_owned(),
        HourClass::Valid => format!("{} ≥ {least}", cell.valid_minutes),
        HourClass::Stop => format!("F{stopped} ≥ {}", figure(&set.hour_minutes_min, " minutes")),
        HourClass::StopEdge => format!("F{stopped} > {} 且邻时停运 beside a stopped hour", figure(&set.stop_edge_minutes, " minutes")),
        HourClass::Missing => format!("收到 received {} < {}", cell.received_minutes, figure(&set.hour_minutes_min, " minutes")),
        HourClass::Invalid if cell.water => "一值异常即全时异常 one abnormal value makes the hour abnormal [HJ 212-2017 D.1]".to_owned(),
        HourClass::Invalid => format!("{} < {least}", cell.valid_minutes),
    }
}

/// The conversion formula with its numbers, or why there is none.
fn conversion(series: &SeriesDay<'_>, cell: &HourCell, mean: &Mean) -> String {
    let (outlet, set) = (series.outlet, series.set);
    let Some(reference) = outlet.reference_oxygen else { return "无基准含氧量 no reference oxygen".to_owned() };
    let oxygen = cell.oxygen();
    let shown = oxygen.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
    let own = cell.reported.and_then(|reported| reported.converted).is_some();
    let minutes_first = outlet.conversion == ConversionOrder::MinutesFirst && mean.cross_check.is_some() && cell.origin != Origin::Reported;
    match cell.converted(outlet, set) {
        Conversion::None => "无：实测小时无效 none, the measured hour is not valid".to_owned(),
        Conversion::NoOxygen => format!("无 none：O₂ 与实测均有效的时间少于 both valid for less than {}", figure(&set.hour_minutes_min, " minutes")),
        Conversion::NotConverted => format!("无 none：O₂ {shown} ≥ {}", figure(&set.oxygen_not_converted_pct, " %")),
        Conversion::Value(value) if cell.converted_only => format!("{} 数采仪只报折算值 the logger sends converted values only", exactly(&value)),
        Conversion::Value(value) if minutes_first => format!("{} 先逐分钟折算 minutes are converted first", exactly(&value)),
        Conversion::Value(value) if cell.origin == Origin::Reported && own => format!("{} 数采仪上报 as the logger reports it", exactly(&value)),
        Conversion::Value(value) | Conversion::LowConfidence(value) => {
            // The paired mean is what the conversion was made of: the formula, read backwards, is exact.
            let oxidant = Ratio::of(outlet.oxidant_oxygen);
            let rest = oxygen.as_ref().map(|oxygen| oxidant.minus(oxygen));
            let paired = rest.and_then(|rest| value.times(&rest).divided(&oxidant.minus(&Ratio::of(reference))));
            let low = if mean.note.as_deref() == Some("low_confidence") {
                format!("；O₂ ≥ {} 可信度低 low confidence", figure(&set.oxygen_low_confidence_pct, " %"))
            } else {
                String::new()
            };
            let paired = paired.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
            let oxidant = outlet.oxidant_oxygen;
            format!("{paired} × ({oxidant} − {reference}) / ({oxidant} − {shown}) = {}，O₂ {shown} %{low}", exactly(&value))
        }
    }
}

fn day_explanation(series: &SeriesDay<'_>, mean: &Mean, closed: &impl Fn(u8) -> bool) -> Vec<String> {
    let heading = format!("  日 day  {}：", kind_words(kind_name(mean.kind)));
    let water = series.outlet.medium == Medium::Water;
    let is_flow = series.outlet.flow_factor == Some(series.factor);
    let result = mean.value.as_ref().or(mean.indicative.as_ref()).map_or_else(|| "无 none".to_owned(), exactly);
    let share =
        || format!("{}/{} × 100 {} {}", mean.count, mean.due, if mean.valid { "≥" } else { "<" }, figure(&series.set.water_day_used_pct, " %"));
    if water && !is_flow {
        return water_explanation(series, mean, &heading, &result, &share());
    }
    let (mut entered, mut left) = (Vec::new(), Vec::new());
    for hour in 0..24u8 {
        let hour_mean = series.hour_means(hour).into_iter().find(|hour_mean| hour_mean.kind == mean.kind);
        match hour_mean {
            Some(Mean { value: Some(value), valid, .. }) if valid || (is_flow && water) => entered.push((hour, value)),
            Some(other) => {
                let note = other.note.map_or_else(String::new, |note| format!(" {note}"));
                left.push(format!("{hour:02} {}{note}", class_letter(class_name(series.class(hour)))));
            }
            None if closed(hour) => left.push(format!("{hour:02} M")),
            None => {}
        }
    }
    let hours: Vec<String> = entered.iter().map(|(hour, _)| format!("{hour:02}")).collect();
    let terms: Vec<String> = entered.iter().map(|(_, value)| value.shown()).collect();
    let enough = if is_flow && water {
        share()
    } else {
        format!("{} {} {}", mean.count, if mean.valid { "≥" } else { "<" }, figure(&series.set.day_hours_min, " valid hours"))
    };
    let mut lines = vec![format!("{heading}进入 hours that enter {}", if hours.is_empty() { "—".to_owned() } else { hours.join(" ") })];
    if !left.is_empty() {
        lines.push(format!("      未进入 left out {}", left.join(", ")));
    }
    let sum = if terms.is_empty() { "—".to_owned() } else { format!("({}) / {}", terms.join(" + "), mean.count) };
    lines.push(format!("      {sum} = {result}；{enough}"));
    lines
}

fn water_explanation(series: &SeriesDay<'_>, mean: &Mean, heading: &str, result: &str, share: &str) -> Vec<String> {
    let all = cycles(series);
    let used = || all.iter().filter_map(|cycle| Some((cycle, cycle.used.as_ref()?)));
    let shown = |volume: &Option<Ratio>| volume.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
    let weights: Vec<String> =
        used().map(|(cycle, value)| format!("{:02}: {} × {} m³", cycle.hours.start, value.shown(), shown(&cycle.volume))).collect();
    let left: Vec<String> = all.iter().filter(|cycle| cycle.used.is_none()).map(|cycle| format!("{:02} {}", cycle.hours.start, cycle.why)).collect();
    let plain = || used().map(|(_, value)| value.shown()).collect::<Vec<_>>();
    let formula = match &mean.volume {
        _ if series.factor.as_str() == PH => format!("−log₁₀( Σ10^−pH / {} )，{}", mean.count, plain().join(", ")),
        Some(volume) => {
            let terms: Vec<String> = used().map(|(cycle, value)| format!("{}×{}", value.shown(), shown(&cycle.volume))).collect();
            format!("Σ(C×V)/ΣV = ({}) / {}", terms.join(" + "), volume.shown())
        }
        None => format!("({}) / {}", plain().join(" + "), mean.count),
    };
    let mut lines = vec![format!("{heading}进入及水量 values that enter, and their volumes {}", weights.join("; "))];
    if !left.is_empty() {
        lines.push(format!("      未进入 left out {}", left.join(", ")));
    }
    lines.push(format!("      {formula} = {result}；{share}"));
    lines
}

/// A cycle of a water analyser: the value that entered the day, or why there is none.
struct Cycle {
    hours: Range<u8>,
    used: Option<Ratio>,
    volume: Option<Ratio>,
    why: &'static str,
}

/// The cycles of a water day as `SeriesDay::day_means` takes them.
fn cycles(series: &SeriesDay<'_>) -> Vec<Cycle> {
    let length = series.cycle_hours.max(1);
    let flow_known = (0..24).any(|hour| series.volume(hour).is_some());
    let mut check_left = series.set.water_check_factors.value.iter().any(|code| code == series.factor.as_str());
    let mut cycle = |hours: Range<u8>| {
        let volumes: Vec<&Ratio> = hours.clone().filter_map(|hour| series.volume(hour)).collect();
        let volume = (!volumes.is_empty()).then(|| Ratio::sum(volumes.iter().copied()));
        let cells = || hours.clone().filter_map(|hour| series.cells[usize::from(hour)].as_ref());
        let values: Vec<Ratio> = cells().filter_map(|cell| cell.measured(series.set)).collect();
        let dry = volumes.len() == hours.len() && volume.as_ref().is_some_and(Ratio::is_zero);
        let exempt = hours.clone().all(|hour| series.exempt >> hour & 1 == 1);
        let (used, why) = match Ratio::mean(&values) {
            _ if dry => (None, "无流量 no flow, not due"),
            _ if exempt => (None, "豁免 exempt, not due"),
            Some(value) if cells().all(|cell| cell.unused == 0) && (!flow_known || volume.is_some()) => (Some(value), ""),
            _ if check_left && cells().any(|cell| cell.minutes_marked(Marker::CALIBRATION) > 0) => {
                check_left = false;
                (None, "校准 the day's check, not due")
            }
            _ => (None, "无有效值 no valid value"),
        };
        Cycle { hours, used, volume, why }
    };
    (0..24 / length).map(|at| cycle(at * length..(at + 1) * length)).collect()
}

// --- months and quarters ------------------------------------------------------------------------------------------------

fn period_report(stored: &Stored, period: &Period) -> Value {
    let by_day: BTreeMap<Day, Vec<SeriesDay<'_>>> =
        stored.days.iter().map(|(day, held)| (*day, held.series(&stored.registry, &stored.set))).collect();
    let factors = stored.factors(by_day.range(period.first..).flat_map(|(_, series)| series));
    let mut report = stored.head(period.last);
    let began = stored.began.day();
    report.extend([
        ("period".to_owned(), json!(period.name)),
        ("span".to_owned(), json!(if period.month.is_some() { "month" } else { "quarter" })),
        ("from".to_owned(), json!(period.first.to_string())),
        ("to".to_owned(), json!(period.last.to_string())),
        ("days".to_owned(), json!(period.days().filter(|day| day.end() <= stored.until).count())),
        ("days_with_data".to_owned(), json!(by_day.range(period.first..).count())),
        // What came before the house stood counts as missing; who reads must know.
        ("began".to_owned(), json!((period.first < began && began <= period.last).then(|| stored.began.to_string()))),
        ("series".to_owned(), factors.into_iter().filter_map(|factor| series_report(stored, period, factor, &by_day)).collect()),
    ]);
    Value::Object(report)
}

/// Consecutive hours that are neither valid nor stopped.
struct Run {
    first: Hour,
    hours: u32,
    /// How many valid amounts are older.
    older: usize,
}

/// What the hours of a series come to.
#[derive(Default)]
struct Tally {
    hours: Hours,
    /// Check hours of water that are not expected.
    checks: u32,
    /// Whether the hours make amounts.
    amounts: bool,
    /// kg of the valid hours, oldest first; from `inside` on they are of the period.
    kilograms: Vec<Ratio>,
    inside: usize,
    /// Valid hours of the period without a known amount.
    unknown: u32,
    runs: Vec<Run>,
}

/// The hour whose cell stands for an hour: its own, or that of the analyser's cycle.
fn standing(series: &SeriesDay<'_>, hour: u8) -> u8 {
    let length = series.cycle_hours.max(1);
    let came = |hour: &u8| series.cells[usize::from(*hour)].as_ref().is_some_and(|cell| cell.received_minutes > 0);
    let first = hour / length * length;
    if came(&hour) { hour } else { (first..first + length).find(came).unwrap_or(hour) }
}

fn tally(stored: &Stored, period: &Period, factor: FactorCode, by_day: &BTreeMap<Day, Vec<SeriesDay<'_>>>) -> Tally {
    let mut tally = Tally::default();
    let checked = stored.set.water_check_factors.value.iter().any(|code| code == factor.as_str());
    let oldest = by_day.keys().next().copied().unwrap_or(period.first).min(period.first);
    let mut open = false;
    for day in (oldest.0..=period.last.0).map(Day) {
        let inside = day >= period.first;
        if day == period.first {
            tally.inside = tally.kilograms.len();
            open = false;
        }
        let series = by_day.get(&day).and_then(|all| all.iter().find(|series| series.factor == factor));
        let amounts = stored.is_concentration(factor, day.start());
        tally.amounts |= amounts && inside;
        let mut check_left = checked;
        for hour in 0..24u8 {
            let at = day.hour(hour);
            let own = series.is_some_and(|series| series.cells[usize::from(hour)].is_some());
            if !own && !(stored.is_closed(at) && stored.is_registered(factor, at.start())) {
                open = false;
                continue;
            }
            let by = series.map_or(hour, |series| standing(series, hour));
            let class = series.map_or(HourClass::Missing, |series| series.class(by));
            let cell = series.and_then(|series| series.cells[usize::from(by)].as_ref());
            if inside {
                tally.hours.count(class);
            }
            let is_check = class == HourClass::Invalid && cell.is_some_and(|cell| cell.water && cell.minutes_marked(Marker::CALIBRATION) > 0);
            if inside && is_check && std::mem::take(&mut check_left) {
                tally.checks += 1;
            }
            match class {
                HourClass::Valid => {
                    let flow = series.and_then(|series| series.flow?[usize::from(hour)].as_ref());
                    let medium = series.map_or(Medium::Gas, |series| series.outlet.medium);
                    match cell.zip(flow).filter(|_| amounts).and_then(|(cell, flow)| emission::hour(cell, flow, medium, &stored.set)) {
                        Some(amount) => tally.kilograms.push(amount),
                        None => tally.unknown += u32::from(inside),
                    }
                    open = false;
                }
                HourClass::Stop | HourClass::StopEdge => open = false,
                HourClass::Missing | HourClass::Invalid if inside => {
                    match tally.runs.last_mut().filter(|_| open) {
                        Some(run) => run.hours += 1,
                        None => tally.runs.push(Run { first: at, hours: 1, older: tally.kilograms.len() }),
                    }
                    open = true;
                }
                HourClass::Missing | HourClass::Invalid => {}
            }
        }
    }
    tally
}

fn series_report(stored: &Stored, period: &Period, factor: FactorCode, by_day: &BTreeMap<Day, Vec<SeriesDay<'_>>>) -> Option<Value> {
    let tally = tally(stored, period, factor, by_day);
    if tally.hours.all == 0 {
        return None;
    }
    let over = by_day.range(period.first..).filter(|(day, _)| day.end() <= stored.until);
    let mut means: Vec<Mean> = over.flat_map(|(_, all)| all).filter(|series| series.factor == factor).flat_map(SeriesDay::day_means).collect();
    if stored.registry.outlet(stored.outlet, period.last.start()).is_some_and(|outlet| outlet.flow_factor == Some(factor)) {
        // A flow is not weighed by itself.
        for mean in &mut means {
            mean.volume = None;
        }
    }
    let days = period.days().filter(|day| day.end() <= stored.until).count();
    let kinds = [Kind::Measured, Kind::Converted].into_iter().filter(|kind| *kind == Kind::Measured || means.iter().any(|mean| mean.kind == *kind));
    let mut report = factor_body(factor, stored.unit(factor, period.last.start()));
    put(&mut report, "means", kinds.map(|kind| period_mean(stored, period, kind, days, &means)).collect());
    put(&mut report, "hours", json!(tally.hours));
    let Hours { all, received, valid, stop, invalid } = tally.hours;
    let capture = month::capture_rate(all, invalid, stop);
    put(
        &mut report,
        "capture",
        json!(capture.as_ref().map(|rate| json!({
            "rate_pct": rate.shown(),
            "exact": rate,
            "pass_pct": stored.set.capture_pass_pct.value,
            "grade": stored.set.capture_pass_pct.source.grade,
            "passes": month::capture_passes(rate, &stored.set),
        }))),
    );
    // Stopped hours are not expected, and the day's check hour of a water series is not either.
    let left_out = stop + tally.checks;
    let (expected, received) = (all.saturating_sub(left_out), received.saturating_sub(left_out));
    let transmission = month::transmission(expected, received, valid, &stored.set).map(|rate| {
        json!({
            "expected": expected,
            "received": received,
            "valid": valid,
            "check_hours": tally.checks,
            "transmitted_pct": rate.transmitted.shown(),
            "valid_of_expected_pct": rate.valid_of_expected.shown(),
            "effective_pct": rate.effective.shown(),
            "valid_of_received_pct": rate.valid_of_received.as_ref().map(Ratio::shown),
            "effective_of_received_pct": rate.effective_of_received.as_ref().map(Ratio::shown),
            "pass_pct": stored.set.transmission_pass_pct.value,
            "grade": stored.set.transmission_pass_pct.source.grade,
            "passes": rate.passes,
        })
    });
    put(&mut report, "transmission", json!(transmission));
    if tally.amounts {
        let amounts = &tally.kilograms[tally.inside..];
        let total = (!amounts.is_empty()).then(|| Ratio::sum(amounts));
        put(
            &mut report,
            "emission",
            json!({"kg": total.as_ref().map(Ratio::shown), "exact": total, "hours": amounts.len(), "hours_without_amount": tally.unknown}),
        );
        if period.month.is_none() {
            put(&mut report, "substitution", substitution(stored, period, &tally, capture.as_ref()));
        }
    }
    Some(report)
}

fn period_mean(stored: &Stored, period: &Period, kind: Kind, days: usize, means: &[Mean]) -> Value {
    let of_kind = means.iter().filter(|mean| mean.kind == kind);
    let mean = month::mean(of_kind, period.month.unwrap_or(1), &stored.set);
    let figure = if period.month == Some(2) { &stored.set.month_days_min_february } else { &stored.set.month_days_min };
    let coverage = Ratio::whole(i64::from(mean.valid_days) * 100).divided(&Ratio::whole(days as i64));
    json!({
        "kind": kind,
        "value": mean.mean.as_ref().map(Ratio::shown),
        "exact": mean.mean,
        "valid_days": mean.valid_days,
        "days": days,
        "coverage_pct": coverage.as_ref().map(Ratio::shown),
        // For a quarter no figure is known: coverage and mean are shown, and nothing is said of validity.
        "needed": period.month.map(|_| mean.needed),
        "grade": period.month.map(|_| figure.source.grade),
        "valid": period.month.map(|_| mean.valid),
        "weighted": mean.weighted,
    })
}

/// What stands in for the runs of a quarter's missing hours: amounts only, apart from what was measured.
fn substitution(stored: &Stored, period: &Period, tally: &Tally, capture: Option<&Ratio>) -> Value {
    let set = &stored.set;
    let outlet = stored.registry.outlet(stored.outlet, period.first.start());
    if outlet.is_some_and(|outlet| outlet.medium == Medium::Water) {
        return json!({"applies": false, "why": "HJ 75-2017 is for gas; HJ 356-2019 substitutes daily amounts of water, which is not done here"});
    }
    let widest = set.substitution_windows_h.value.iter().copied().max().unwrap_or(0);
    let mut total = Vec::new();
    let runs: Vec<Value> = tally
        .runs
        .iter()
        .map(|run| {
            let history: Vec<Ratio> = tally.kilograms[..run.older].iter().rev().take(widest as usize).cloned().collect();
            let found = capture.and_then(|capture| emission::substitute(capture, run.hours, &history, set));
            let mut body = json!({
                "from": run.first.start().to_string(),
                "to": Hour(run.first.0 + i64::from(run.hours)).start().to_string(),
                "hours": run.hours,
            });
            match found {
                Some(found) => {
                    put(&mut body, "method", json!(format!("maximum of the last {} valid hours", found.window_h)));
                    put(&mut body, "window_h", json!(found.window_h));
                    put(&mut body, "found_h", json!(found.found_h));
                    put(&mut body, "per_hour_kg", json!(found.per_hour.shown()));
                    put(&mut body, "total_kg", json!(found.total.shown()));
                    total.push(found.total);
                }
                None => {
                    let why = if history.is_empty() { "no valid amount before it" } else { "the capture rate is below the lower edge" };
                    put(&mut body, "method", json!("unrecoverable"));
                    put(&mut body, "why", json!(why));
                }
            }
            body
        })
        .collect();
    json!({
        "applies": true,
        "source": set.substitution_windows_h.source,
        "total_kg": (!total.is_empty()).then(|| Ratio::sum(&total).shown()),
        "runs": runs,
    })
}

// --- CSV --------------------------------------------------------------------------------------------------------------

const DAY_COLUMNS: &str =
    "outlet,day,hour,factor,kind,value,exact,valid,count,due,class,marks,shadow,indicative,origin,note,volume_m3,reported,agrees";

const PERIOD_COLUMNS: &str = "outlet,period,factor,kind,value,exact,valid_days,days,needed,valid,weighted,\
    hours,received,valid_hours,stop_hours,invalid_hours,capture_pct,capture_passes,\
    transmitted_pct,valid_of_expected_pct,effective_pct,effective_of_received_pct,transmission_passes,\
    emission_kg,emission_hours,hours_without_amount,substituted_kg,substituted_hours,unrecoverable_hours";

/// A field of a line: empty for nothing.
fn field(value: &Value) -> String {
    if value.is_null() { String::new() } else { text(value) }
}

fn lines(columns: &str, rows: &[Vec<String>]) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(exit::SOFTWARE, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.split(',')).map_err(|error| failed(error.to_string()))?;
    for row in rows {
        writer.write_record(row).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn day_lines(report: &Value) -> Vec<Vec<String>> {
    let line = |hour: &str, mean: &Value| {
        let mut row = vec![field(&report["outlet"]["id"]), field(&report["day"]), hour.to_owned()];
        row.extend(["factor", "kind", "value", "exact", "valid", "count", "due", "class"].map(|name| field(&mean[name])));
        row.push(marks_text(mean));
        row.extend(["shadow", "indicative", "origin", "note", "volume_m3"].map(|name| field(&mean[name])));
        row.extend(["value", "agrees"].map(|name| field(&mean["reported"][name])));
        row
    };
    let hours = list(&report["hours"]).flat_map(|hour| list(&hour["means"]).map(move |mean| (field(&hour["hour"]), mean)));
    let day = list(&report["day_means"]).map(|mean| (String::new(), mean));
    hours.chain(day).map(|(hour, mean)| line(&hour, mean)).collect()
}

/// What is of the series and not of one kind stands on its first line only, so that a sum over lines counts it once.
fn period_lines(report: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for series in list(&report["series"]) {
        for (at, mean) in list(&series["means"]).enumerate() {
            let once = |value: &Value| if at == 0 { field(value) } else { String::new() };
            let (hours, capture, transmission) = (&series["hours"], &series["capture"], &series["transmission"]);
            let (amount, stand_in) = (&series["emission"], &series["substitution"]);
            let runs = |recovered: bool| {
                let of = list(&stand_in["runs"]).filter(|run| run["total_kg"].is_string() == recovered);
                let hours = of.filter_map(|run| run["hours"].as_u64()).sum::<u64>();
                if stand_in["applies"] == true { json!(hours) } else { Value::Null }
            };
            let mut row = vec![field(&report["outlet"]["id"]), field(&report["period"]), field(&series["factor"])];
            row.extend(["kind", "value", "exact", "valid_days", "days", "needed", "valid", "weighted"].map(|name| field(&mean[name])));
            row.extend(["all", "received", "valid", "stop", "invalid"].map(|name| once(&hours[name])));
            row.extend(["rate_pct", "passes"].map(|name| once(&capture[name])));
            row.extend(
                ["transmitted_pct", "valid_of_expected_pct", "effective_pct", "effective_of_received_pct", "passes"]
                    .map(|name| once(&transmission[name])),
            );
            row.extend(["kg", "hours", "hours_without_amount"].map(|name| once(&amount[name])));
            row.extend([once(&stand_in["total_kg"]), once(&runs(true)), once(&runs(false))]);
            rows.push(row);
        }
    }
    rows
}

// --- the table ----------------------------------------------------------------------------------------------------------

/// A text of the value, whatever its JSON kind; a dash for none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Both names, or the one that there is.
fn both(zh: &Value, en: &Value) -> String {
    match (zh.as_str().unwrap_or_default(), en.as_str().unwrap_or_default()) {
        (zh, "") => zh.to_owned(),
        ("", en) => en.to_owned(),
        (zh, en) => format!("{zh} / {en}"),
    }
}

/// A unit behind a figure: none of a mere number.
fn unit_after(unit: &Value) -> String {
    unit.as_str().filter(|unit| !matches!(*unit, "" | "-" | "1")).map_or_else(String::new, |unit| format!(" {unit}"))
}

/// `N57 M3`.
fn marks_text(mean: &Value) -> String {
    let marks = mean["marks"].as_object().into_iter().flatten();
    marks.map(|(mark, minutes)| format!("{mark}{minutes}")).collect::<Vec<_>>().join(" ")
}

/// The serialised name of a class.
const fn class_name(class: HourClass) -> &'static str {
    match class {
        HourClass::Valid => "valid",
        HourClass::Stop => "stop",
        HourClass::StopEdge => "stop_edge",
        HourClass::Missing => "missing",
        HourClass::Invalid => "invalid",
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Measured => "measured",
        Kind::Converted => "converted",
    }
}

/// Names of the classes, their letters, and what they say.
const CLASSES: [(&str, &str, &str); 5] = [
    ("valid", "V", "有效 valid"),
    ("stop", "S", "停运 stop"),
    ("stop_edge", "E", "停运边缘 stop edge"),
    ("missing", "M", "缺失 missing"),
    ("invalid", "I", "无效 invalid"),
];

fn class_letter(name: &str) -> &'static str {
    CLASSES.iter().find(|(known, _, _)| *known == name).map_or("?", |(_, letter, _)| *letter)
}

fn class_words(name: &str) -> &'static str {
    CLASSES.iter().find(|(known, _, _)| *known == name).map_or("?", |(_, _, words)| *words)
}

fn kind_words(name: &str) -> &'static str {
    if name == "converted" { "折算 converted" } else { "实测 measured" }
}

/// What a note says, Chinese and English.
fn note_words(note: &str) -> String {
    let zh = match note {
        "exempt" => "豁免",
        "exempt_pending_review" => "启停炉、闷炉，待审豁免",
        "exempt_hours_left_out" => "已扣除豁免小时",
        "zero_flow" => "无流量",
        "no_discharge" => "当日无排放",
        "unweighted" => "无流量数据，未加权",
        "low_confidence" => "含氧量偏高，可信度低",
        "not_converted" => "含氧量过高，不折算",
        "no_oxygen" => "有效含氧量不足",
        _ => "",
    };
    format!("{zh} {}", note.replace('_', " ")).trim_start().to_owned()
}

/// What another reading of the same values is called.
fn beside_words(name: &str) -> String {
    let zh = match name {
        "arithmetic" => "算术",
        "interval_weighted" => "按间隔加权",
        "min" => "最小",
        "max" => "最大",
        "median" => "中位",
        _ => "",
    };
    format!("{zh} {}", name.replace('_', " ")).trim_start().to_owned()
}

/// Columns that a text takes in a terminal: an East Asian wide character takes two.
fn width(text: &str) -> usize {
    let of = |letter: char| match letter as u32 {
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 => 2,
        0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

/// A label of the heading, as wide as the others.
fn labelled(label: &str, what: &str) -> String {
    format!("{label}{}{what}\n", " ".repeat(20usize.saturating_sub(width(label))))
}

fn heading(report: &Value) -> String {
    let (site, outlet) = (&report["site"], &report["outlet"]);
    let region = site["region"].as_str().filter(|region| !region.is_empty()).map_or_else(String::new, |region| format!("（{region}）"));
    let medium = if outlet["medium"] == "water" { "废水 water" } else { "废气 gas" };
    let oxygen = outlet["reference_oxygen_pct"].as_str().map_or_else(String::new, |oxygen| format!("，基准含氧量 reference oxygen {oxygen} %"));
    labelled("排污单位 site", &format!("{} {}{region}", text(&site["id"]), both(&site["name"], &site["name_en"])))
        + &labelled("排放口 outlet", &format!("{} {}，{medium}{oxygen}", text(&outlet["id"]), both(&outlet["name"], &outlet["name_en"])))
}

fn versions(report: &Value) -> String {
    let versions = &report["versions"];
    labelled("版本 versions", &format!("登记 registry {}，规则 rules {}", text(&versions["registry"]), text(&versions["rule_set"])))
}

fn rule() -> String {
    "─".repeat(LINE_WIDTH) + "\n"
}

fn day_table(report: &Value) -> String {
    let status = match report["status"].as_str() {
        Some("confirmed") => "确认 confirmed",
        Some("provisional") => "暂定 provisional",
        _ => "尚未发布 not published yet",
    };
    let mut out = rule() + &heading(report) + &labelled("日期 day", &text(&report["day"]));
    out += &labelled("状态 status", &format!("{status}，修订号 revision {}", text(&report["revision"])));
    out += &versions(report);
    out.push('\n');
    out += &grid(report);
    let classes: Vec<String> = CLASSES.iter().map(|(_, letter, words)| format!("{letter} {words}")).collect();
    out +=
        &format!("c: {}；( ) 不计入 does not count；min: 有效分钟 valid minutes；marks: 标记与分钟 marks and their minutes\n\n", classes.join("，"));
    for factor in list(&report["factors"]) {
        out += &day_of_factor(report, factor);
    }
    for (name, title) in [("exemptions", "豁免 exemption"), ("restrictions", "限产 restriction")] {
        for row in list(&report[name]) {
            let what = if row["kind"].is_null() { &row["name"] } else { &row["kind"] };
            let factor = row["factor"].as_str().map_or_else(String::new, |factor| format!(" {factor}"));
            let by = row["approved_by"].as_str().map_or_else(String::new, |by| format!("，批准 approved by {by} {}", text(&row["approved_on"])));
            out += &format!("{title}{factor} {}：{} – {}，{}{by}\n", text(what), text(&row["from"]), text(&row["to"]), text(&row["document"]));
        }
    }
    let explained: Vec<String> = list(&report["explanation"]).map(text).collect();
    if !explained.is_empty() {
        out += &format!("\n数字由来 how the numbers came about\n{}\n", explained.join("\n"));
    }
    out + &rule()
}

/// A column of the grid: its head and 24 texts.
struct Column {
    head: &'static str,
    cells: Vec<String>,
    /// Numbers stand at the right.
    right: bool,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0).max(self.head.len())
    }

    fn padded(&self, cell: &str) -> String {
        let space = " ".repeat(self.width() - width(cell));
        if self.right { space + cell } else { cell.to_owned() + &space }
    }
}

/// One factor's part of the grid.
struct Part {
    title: String,
    columns: Vec<Column>,
}

impl Part {
    fn width(&self) -> usize {
        let columns = self.columns.iter().map(Column::width).sum::<usize>() + 2 * (self.columns.len() - 1);
        columns.max(width(&self.title))
    }

    /// A line of it, as wide as the others.
    fn line(&self, at: impl Fn(&Column) -> String) -> String {
        let line = self.columns.iter().map(at).collect::<Vec<_>>().join("  ");
        let space = self.width() - width(&line);
        line + &" ".repeat(space)
    }
}

/// 24 hours × factors, in as many blocks as the width asks for.
fn grid(report: &Value) -> String {
    let parts: Vec<Part> = list(&report["factors"]).filter_map(|factor| part(report, factor)).collect();
    let mut out = String::new();
    let mut rest = &parts[..];
    while !rest.is_empty() {
        let mut taken = 1;
        let mut total = 4 + 3 + rest[0].width();
        while taken < rest.len() && total + 3 + rest[taken].width() <= LINE_WIDTH {
            total += 3 + rest[taken].width();
            taken += 1;
        }
        let (block, after) = rest.split_at(taken);
        let mut line = |first: &str, of: &dyn Fn(&Part) -> String| {
            let line = format!("{first:<4} | {}", block.iter().map(of).collect::<Vec<_>>().join(" | "));
            out.push_str(line.trim_end());
            out.push('\n');
        };
        line("", &|part: &Part| part.title.clone() + &" ".repeat(part.width() - width(&part.title)));
        line("hour", &|part: &Part| part.line(|column| column.padded(column.head)));
        for hour in 0..24usize {
            line(&format!("{hour:02}"), &|part: &Part| part.line(|column| column.padded(&column.cells[hour])));
        }
        out.push('\n');
        rest = after;
    }
    out
}

fn part(report: &Value, factor: &Value) -> Option<Part> {
    let (code, unit) = (factor["factor"].as_str()?, factor["unit"].as_str()?);
    let hours: Vec<&Value> = list(&report["hours"]).collect();
    let mean = |hour: &Value, kind: &str| list(&hour["means"]).find(|mean| mean["factor"] == code && mean["kind"] == kind).cloned();
    if hours.iter().all(|hour| mean(hour, "measured").is_none()) {
        return None;
    }
    let converts = hours.iter().any(|hour| mean(hour, "converted").is_some());
    let column = |head: &'static str, right: bool, of: &dyn Fn(&Value) -> String| {
        let nothing = |hour: &Value| match (head, hour["closed"] == true) {
            ("c", true) => "M".to_owned(),
            _ => String::new(),
        };
        let cell = |hour: &&Value| mean(hour, "measured").map_or_else(|| nothing(hour), |mean| of(&mean));
        Column { head, right, cells: hours.iter().map(cell).collect() }
    };
    let mut columns = vec![column("measured", true, &figure_text)];
    if converts {
        let cell = |hour: &&Value| mean(hour, "converted").map_or_else(String::new, |mean| figure_text(&mean));
        columns.push(Column { head: "converted", right: true, cells: hours.iter().map(cell).collect() });
    }
    columns.push(column("min", true, &|mean: &Value| text(&mean["count"])));
    columns.push(column("c", false, &|mean: &Value| class_letter(mean["class"].as_str().unwrap_or_default()).to_owned()));
    let said = |hour: &&Value| {
        let only_normal = |marks: &String| !marks.contains(' ') && (marks.is_empty() || marks.starts_with(['N', '-']));
        let marks = mean(hour, "measured").map(|mean| marks_text(&mean)).filter(|marks| !only_normal(marks));
        let notes: BTreeSet<String> =
            ["measured", "converted"].iter().filter_map(|kind| Some(mean(hour, kind)?["note"].as_str()?.to_owned())).collect();
        marks.into_iter().chain(notes).collect::<Vec<_>>().join(" ")
    };
    let marks = Column { head: "marks", right: false, cells: hours.iter().map(said).collect() };
    if marks.cells.iter().any(|cell| !cell.is_empty()) {
        columns.push(marks);
    }
    Some(Part { title: format!("{code} {unit}").trim_end().to_owned(), columns })
}

/// A mean's figure; in brackets where it does not count.
fn figure_text(mean: &Value) -> String {
    match (mean["value"].as_str(), mean["indicative"].as_str()) {
        (Some(value), _) if mean["valid"] == true => value.to_owned(),
        (Some(value), _) | (None, Some(value)) => format!("({value})"),
        (None, None) => "-".to_owned(),
    }
}

fn day_of_factor(report: &Value, factor: &Value) -> String {
    let (code, unit) = (&factor["factor"], unit_after(&factor["unit"]));
    let mut out = format!("{} {}{unit}\n", text(code), both(&factor["name_zh"], &factor["name_en"]));
    let water = report["outlet"]["medium"] == "water";
    let means: Vec<&Value> = list(&report["day_means"]).filter(|mean| mean["factor"] == *code).collect();
    if means.is_empty() {
        out += "  当日无数据 no data on this day\n";
    }
    for mean in means {
        let counted = if water { "有效数据/应有 valid of due" } else { "有效小时 valid hours" };
        let mut parts = vec![format!("{}/{} {counted}", text(&mean["count"]), text(&mean["due"]))];
        if mean["valid"] != true {
            parts.push("日均值无效，仅供参考 not valid, indicative only".to_owned());
        }
        parts.extend(mean["note"].as_str().map(note_words));
        parts.extend(mean["volume_m3"].as_str().map(|volume| format!("量 volume {volume} m³")));
        parts.extend(mean["shadow"].as_str().map(|shadow| format!("影子均值 shadow {shadow}")));
        out += &format!("  {}  {}{unit}，{}\n", kind_words(&text(&mean["kind"])), figure_text(mean), parts.join("，"));
        if let Some(reported) = mean["reported"].as_object() {
            let agrees = match reported["agrees"].as_bool() {
                Some(true) => "一致 agrees",
                Some(false) => "不一致 differs",
                None => "无可比 nothing to compare",
            };
            let (value, difference) = (text(&reported["value"]), text(&reported["difference_pct"]));
            out += &format!("    上报 reported {value}，差异 difference {difference} %，{agrees}\n");
        }
        let beside: Vec<String> =
            mean["beside"].as_object().into_iter().flatten().map(|(name, value)| format!("{} {}", beside_words(name), text(value))).collect();
        if !beside.is_empty() {
            out += &format!("    另 beside {}\n", beside.join("，"));
        }
    }
    for limit in list(&report["limits"]).filter(|limit| limit["factor"] == *code) {
        out += &limit_lines(limit, report["status"] != "confirmed");
    }
    out.push('\n');
    out
}

fn limit_lines(limit: &Value, provisional: bool) -> String {
    let basis = match limit["basis"].as_str() {
        Some("day") => "日均 day",
        Some("hour") => "小时 hour",
        _ => "五分钟 5 min",
    };
    let min = limit["type"] == "min";
    let why = match limit["figure_note"].as_str() {
        Some("cold_water") => "（水温不高于 12 ℃，括号内数值 the bracketed figure of cold water）",
        Some("no_water_temperature_stricter_figure") => "（无水温，取严 no water temperature, the stricter figure）",
        _ => "",
    };
    let restricted = if limit["restricted"] == true { "，限产期间 while restricted" } else { "" };
    let figure = format!("{} {}{}", if min { "≥" } else { "≤" }, text(&limit["figure"]), unit_after(&limit["unit"]));
    let mut out = format!("  限值 limit  {basis} {figure}{why} {}{restricted} — {}\n", kind_words(&text(&limit["kind"])), text(&limit["standard"]));
    let grade = format!("[{} {} / {}]", text(&limit["grade"]), text(&limit["grade_zh"]), text(&limit["grade_en"]));
    out += &format!("    来源 source {} {grade}\n", text(&limit["source"]));
    let status = if provisional { "（暂定 provisional）" } else { "" };
    out += &match limit["verdict"].as_str() {
        Some("exceeds") => {
            let times = limit["multiple"].as_str().map_or_else(String::new, |times| format!("，超标倍数 {times} times over"));
            let marginal = if limit["marginal"] == true { "，修约后临界 marginal once rounded" } else { "" };
            format!("    判定 verdict 超标 exceeds：{} {} {}{times}{marginal}{status}\n", text(&limit["value"]), side(min), text(&limit["figure"]))
        }
        Some("complies") => format!("    判定 verdict 达标 complies：{}{status}\n", text(&limit["value"])),
        Some("information") => {
            let above: Vec<String> = list(&limit["hours_above"]).map(|hour| format!("{} ({})", text(&hour["hour"]), text(&hour["value"]))).collect();
            let above = if above.is_empty() { "无 none".to_owned() } else { above.join(", ") };
            format!("    超过的小时 hours beyond it {above}；仅供参考，不是当日判定 information only, no verdict of this day\n")
        }
        _ => format!("    判定 verdict 无法判定 not evaluable：{}\n", why_words(&text(&limit["why"]))),
    };
    out
}

const fn side(min: bool) -> &'static str {
    if min { "<" } else { ">" }
}

/// Which input a verdict lacks.
fn why_words(why: &str) -> String {
    let zh = match why {
        "daily mean" => "缺日均值",
        "flow-weighted daily mean" => "缺流量加权日均值",
        "a valid day" => "当日无效",
        "five-minute means" => "此处不计算五分钟均值",
        _ => "",
    };
    format!("{zh}（lacks {why}）")
}

fn period_table(report: &Value) -> String {
    let is_month = report["span"] == "month";
    let mut out = rule() + &heading(report);
    out += &labelled("时段 period", &format!("{}，{} – {}", text(&report["period"]), text(&report["from"]), text(&report["to"])));
    out += &labelled(
        "统计至 counted to",
        &format!(
            "{}，已过 {} 天 days over，有数据 {} 天 days with data",
            text(&report["counted_until"]),
            text(&report["days"]),
            text(&report["days_with_data"])
        ),
    );
    if let Some(began) = report["began"].as_str() {
        out += &labelled("始于 began", &format!("{began}；此前按缺失计 what is before counts as missing"));
    }
    out += &versions(report);
    for series in list(&report["series"]) {
        out.push('\n');
        out += &period_of_series(series, is_month);
    }
    out + &rule()
}

fn passes(value: &Value) -> &'static str {
    if *value == true { "达标 passes" } else { "不达标 does not pass" }
}

fn period_of_series(series: &Value, is_month: bool) -> String {
    let unit = unit_after(&series["unit"]);
    let mut out = format!("{} {}{unit}\n", text(&series["factor"]), both(&series["name_zh"], &series["name_en"]));
    for mean in list(&series["means"]) {
        let value = mean["value"].as_str().map_or_else(|| "—".to_owned(), str::to_owned);
        let weighted = if mean["weighted"] == true { "，水量加权 weighted by volume" } else { "" };
        let kind = kind_words(&text(&mean["kind"]));
        let (valid_days, needed, grade) = (text(&mean["valid_days"]), text(&mean["needed"]), text(&mean["grade"]));
        out += &if is_month && mean["valid"] == true {
            format!("  {kind}  月均值 mean {value}{unit}{weighted}，有效 valid: {valid_days} of {needed} 天 days [{grade}]\n")
        } else if is_month {
            format!("  {kind}  月均值 mean ({value}){unit}{weighted}，无效 not valid: {valid_days} of {needed} 天 days [{grade}]\n")
        } else {
            let (days, coverage) = (text(&mean["days"]), text(&mean["coverage_pct"]));
            let covered = format!("覆盖 coverage {valid_days}/{days} 天 days, {coverage} %；季度无判定 no verdict of a quarter");
            format!("  {kind}  有效日均值 mean of the valid days {value}{unit}{weighted}，{covered}\n")
        };
    }
    let (hours, capture, rate) = (&series["hours"], &series["capture"], &series["transmission"]);
    out += &format!(
        "  小时 hours {}：有效 valid {}，停运 stop {}，无效与缺失 invalid or missing {}；收到 received {}\n",
        text(&hours["all"]),
        text(&hours["valid"]),
        text(&hours["stop"]),
        text(&hours["invalid"]),
        text(&hours["received"])
    );
    out += &if capture.is_null() {
        "  捕集率 capture rate 无：全时段停运 none, stopped throughout\n".to_owned()
    } else {
        let of_quarter = if is_month { "，该限为季度指标 the figure is a quarter's" } else { "" };
        let least = format!("≥ {} % [{}]", text(&capture["pass_pct"]), text(&capture["grade"]));
        format!("  捕集率 capture rate {} %（{least}{of_quarter}）{}\n", text(&capture["rate_pct"]), passes(&capture["passes"]))
    };
    if !rate.is_null() {
        let least = format!("≥ {} % [{}]", text(&rate["pass_pct"]), text(&rate["grade"]));
        out += &format!(
            "  有效传输率 effective transmission T {} % × V {} %（有效/应收 valid of expected）= {} %（{least}）{}\n",
            text(&rate["transmitted_pct"]),
            text(&rate["valid_of_expected_pct"]),
            text(&rate["effective_pct"]),
            passes(&rate["passes"])
        );
        out += &format!(
            "    另一读法 the other reading V {} %（有效/实收 valid of received），{} %\n",
            text(&rate["valid_of_received_pct"]),
            text(&rate["effective_of_received_pct"])
        );
        out += &format!(
            "    应收 expected {}，实收 received {}，有效 valid {}，不计的校准时 check hours left out {}\n",
            text(&rate["expected"]),
            text(&rate["received"]),
            text(&rate["valid"]),
            text(&rate["check_hours"])
        );
    }
    let amount = &series["emission"];
    if !amount.is_null() {
        out += &format!(
            "  排放量 emission {} kg，{} 小时 hours；有效而无流量 valid without a volume {} 小时 hours\n",
            text(&amount["kg"]),
            text(&amount["hours"]),
            text(&amount["hours_without_amount"])
        );
    }
    out + &substitution_lines(&series["substitution"])
}

fn substitution_lines(stand_in: &Value) -> String {
    if stand_in.is_null() {
        return String::new();
    }
    if stand_in["applies"] != true {
        return format!("  替代量 substituted — 水污染源另有规定：{}\n", text(&stand_in["why"]));
    }
    let source = &stand_in["source"];
    let mut out = format!("  替代量 substituted {} kg，不并入排放量 apart from the emission\n", text(&stand_in["total_kg"]));
    out += &format!("    方法 method {} [{}]\n", text(&source["text"]), text(&source["grade"]));
    for run in list(&stand_in["runs"]) {
        let period = format!("{} – {}，{} 小时 hours", text(&run["from"]), text(&run["to"]), text(&run["hours"]));
        out += &match run["total_kg"].as_str() {
            Some(total) => format!(
                "    {period}：{total} kg = {} kg/h，前 {} 个有效小时最大值 {}（有 found {}）\n",
                text(&run["per_hour_kg"]),
                text(&run["window_h"]),
                text(&run["method"]),
                text(&run["found_h"])
            ),
            None => format!("    {period}：不可恢复 unrecoverable，{}\n", text(&run["why"])),
        };
    }
    out
}
