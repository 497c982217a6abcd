//! A register cut by site, a part for each shard, and put together again. A part is a register of its own, and says in one more file of
//! which whole it is one: `cut.csv`.
//!
//! What a shard judges must lie in one site: a logger that reports on an outlet, and the logger that it replaces, stand in the
//! outlet's site, for good.

use super::load::{FILES, Files, MORE_FILES};
use super::table::{self, Fault};
use super::{Registry, Shard};
use crate::domain::{OutletId, SiteId, shard_of};
use std::collections::{BTreeMap, BTreeSet};

/// The file that a part has and a whole has not.
pub(super) const CUT: &str = "cut.csv";
const COLUMNS: &[&str] = &["shard", "of", "version"];

/// Of which whole a part is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) shard: Shard,
    /// The version of the whole.
    pub(super) version: String,
}

/// Reads `cut.csv`.
pub(super) fn read(text: &str, faults: &mut Vec<Fault>) -> Option<Cut> {
    let mut cut = None;
    table::read(CUT, text, COLUMNS, &[], faults, |line| {
        let number = |text: &str| text.parse::<u32>().ok();
        let (number, of) = (line.parsed("shard", "a number", number), line.parsed("of", "a number", number));
        let version = line.required("version");
        if let (Some(number), Some(of)) = (number, of) {
            cut = Shard::new(number, of).map(|shard| Cut { shard, version });
        }
    });
    cut
}

impl Files {
    /// A part for each of so many shards: the rows of its sites. The register must have no fault, and nothing that
    /// [`Registry::uncuttable`] names.
    #[must_use]
    pub fn cut(&self, of: u32) -> Vec<Self> {
        let version = self.version();
        let mut shards: BTreeMap<String, u32> = BTreeMap::new();
        let text = self.0.get("outlets.csv").map(String::as_str).unwrap_or_default();
        each_row(text, |value, _| {
            if let (Some(outlet), Some(site)) = (value("outlet"), value("site")) {
                shards.insert(outlet.to_owned(), shard_of(site, of));
            }
        });
        let cut = |number: u32| format!("{}\n{number},{of},{version}\n", COLUMNS.join(","));
        let mut parts: Vec<Self> = (0..of).map(|number| Self(BTreeMap::from([(CUT.to_owned(), cut(number))]))).collect();
        for (name, text) in &self.0 {
            for (part, text) in parts.iter_mut().zip(spread(text, of, &shards)) {
                part.0.insert(name.clone(), text);
            }
        }
        parts
    }

    /// Whether this is a part, and of which whole.
    fn cut_of(&self) -> Option<Cut> {
        read(self.0.get(CUT)?, &mut Vec::new())
    }

    /// Which part of a register this is; none: a whole one.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        self.cut_of().map(|cut| cut.shard)
    }

    /// The version of the whole of which this is a part.
    pub(super) fn whole_version(&self) -> Option<String> {
        self.cut_of().map(|cut| cut.version)
    }

    /// The whole that these are the parts of, as the one part of itself, its rows in the order of the parts; none while one is missing,
    /// or is of another version.
    #[must_use]
    pub fn join<'f>(parts: impl Iterator<Item = &'f Self> + Clone) -> Option<Self> {
        let cuts: Vec<Cut> = parts.clone().map(Self::cut_of).collect::<Option<_>>()?;
        let first = cuts.first()?;
        let numbers: BTreeSet<u32> = cuts.iter().map(|cut| cut.shard.number()).collect();
        let same = cuts.iter().all(|cut| cut.version == first.version && cut.shard.of() == first.shard.of());
        if !same || numbers.len() != first.shard.of() as usize || cuts.len() != numbers.len() {
            return None;
        }
        let mut whole = Self(BTreeMap::new());
        for name in FILES.into_iter().chain(MORE_FILES) {
            let mut texts = parts.clone().filter_map(|part| part.0.get(name));
            let Some(begin) = texts.next() else { continue };
            let mut text = begin.clone();
            for more in texts {
                text.push_str(more.split_once('\n').map_or("", |(_, rows)| rows));
            }
            whole.0.insert(name.to_owned(), text);
        }
        whole.0.insert(CUT.to_owned(), format!("{}\n0,1,{}\n", COLUMNS.join(","), first.version));
        Some(whole)
    }
}

/// A column's text in a row; none: the file has no such column.
type Value<'r> = dyn Fn(&str) -> Option<&'r str> + 'r;

/// Hands every row of a file on. Rows that cannot be read are passed over: a register with faults is not cut.
fn each_row(text: &str, mut each: impl FnMut(&Value<'_>, &csv::StringRecord)) -> csv::StringRecord {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    for record in reader.records().flatten() {
        let value = |column: &str| header.iter().position(|name| name.trim() == column).and_then(|at| record.get(at)).map(str::trim);
        each(&value, &record);
    }
    header
}

/// A file's rows by the shard of their site, or of their outlet's; what has neither is in all.
fn spread(text: &str, of: u32, outlets: &BTreeMap<String, u32>) -> Vec<String> {
    let mut rows: Vec<Vec<csv::StringRecord>> = vec![Vec::new(); of as usize];
    let header = each_row(text, |value, record| match (value("site"), value("outlet")) {
        (Some(site), _) => rows[shard_of(site, of) as usize].push(record.clone()),
        (None, Some(outlet)) => outlets.get(outlet).into_iter().for_each(|shard| rows[*shard as usize].push(record.clone())),
        (None, None) => rows.iter_mut().for_each(|rows| rows.push(record.clone())),
    });
    rows.into_iter().map(|rows| written(&header, &rows)).collect()
}

fn written(header: &csv::StringRecord, rows: &[csv::StringRecord]) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for record in std::iter::once(header).chain(rows) {
        // A file in memory takes every row.
        let _ = writer.write_record(record);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

impl Registry {
    /// Which part of a register this is; none: a whole one.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// What a logger's packets are spread over shards by: its site, or its own name where nobody registered it.
    #[must_use]
    pub fn key_of_logger(&self, mn: &str) -> String {
        self.site_of_logger(mn).map_or_else(|| mn.to_owned(), |site| site.to_string())
    }

    /// What is spread over shards by the outlet that it concerns: the outlet's site.
    #[must_use]
    pub fn key_of_outlet(&self, outlet: OutletId) -> String {
        let site = self.outlets.get(&outlet).and_then(|rows| rows.last()).map(|row| row.site);
        site.map_or_else(|| outlet.to_string(), |site| site.to_string())
    }

    /// Why this register cannot be cut: what reaches from one site into another.
    #[must_use]
    pub fn uncuttable(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (outlet, rows) in &self.outlets {
            if rows.iter().any(|row| row.site != rows[0].site) {
                faults.push(format!("outlets.csv: {outlet} moves from one site to another"));
            }
        }
        for (mn, rows) in &self.loggers {
            if rows.iter().any(|row| row.site != rows[0].site) {
                faults.push(format!("loggers.csv: {mn} moves from one site to another"));
            }
            for before in rows.iter().filter_map(|row| row.replaces) {
                if self.site_of_logger(before.as_str()) != Some(rows[0].site) {
                    faults.push(format!("loggers.csv: {mn} replaces {before}, which stands in another site"));
                }
            }
        }
        for (outlet, loggers) in &self.reporters {
            let site = self.outlets.get(outlet).and_then(|rows| rows.last()).map(|row| row.site);
            for mn in loggers.iter().filter(|mn| self.site_of_logger(mn.as_str()) != site) {
                faults.push(format!("series.csv: {mn} reports on {outlet}, which stands in another site"));
            }
        }
        faults
    }

    fn site_of_logger(&self, mn: &str) -> Option<SiteId> {
        self.loggers.get(mn)?.last().map(|row| row.site)
    }
}
