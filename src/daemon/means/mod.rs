//! `hj212d means`: an outlet's hours, day, month or quarter, as an inspector wants them.
//!
//! The rows of the days are read by the register and the figures in force now. One document holds everything that is shown;
//! the table and the CSV lines are other faces of it, so that the three cannot differ. Nothing is written.

mod day;
mod explain;
mod lines;
mod period;
mod stored;
mod table;

use super::{Failure, config, exit, readers, registry, small_runtime};
use crate::aggregation::month::{self, Hours};
use crate::aggregation::{Conversion, Fate, HourCell, SeriesDay, emission};
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Hour, MINUTE_MS, Moment};
use crate::domain::{
    Basis, Declaration, FactorCode, Figure, HourClass, Kind, Limit, Mean, Medium, Mn, Origin, OutletDay, OutletId, RuleSet, Series, note_zh, shard_of,
};
use crate::engine::StoredDay;
use crate::message::{finding_body, mean_body};
use crate::protocol::factor;
use crate::protocol::marker::Marker;
use crate::registry::{ConversionOrder, Exemption, Registry, Restriction};
use crate::rules::{self, factor_names, j_02};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use day::*;
use explain::*;
use lines::*;
use period::*;
use stored::*;
use table::*;

/// Columns of a line of the table.
const LINE_WIDTH: usize = 150;
/// Days before a quarter in which valid amounts are searched: 2160 hours are ninety of them.
const HISTORY_DAYS: i32 = 100;
/// Days around a period in which data are looked for.
const NEAR_DAYS: i32 = 31;
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
    #[arg(long, conflicts_with_all = ["month", "quarter"])]
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
pub(super) struct Period {
    pub(super) name: String,
    pub(super) first: Day,
    pub(super) last: Day,
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

    pub(super) fn days(&self) -> impl Iterator<Item = Day> {
        (self.first.0..=self.last.0).map(Day)
    }
}

pub(super) fn month_of(text: &str) -> Result<Period, String> {
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
