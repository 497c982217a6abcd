//! The five files of a registry directory, read and checked against each other.

use super::rows::{Logger, Negative, Outlet, SeriesRow, Site, StampLabel, Validity};
use super::table::{self, Fault, Line};
use super::{Registry, WireSeries};
use crate::domain::time::{Day, Moment};
use crate::domain::{Basis, FactorCode, Grade, Limit, LimitType, Medium, Mn, OutletId, Series, SiteId, number};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Edition, factor};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file names of a registry directory, in the order in which they are read.
pub const FILES: [&str; 5] = ["sites.csv", "outlets.csv", "loggers.csv", "series.csv", "limits.csv"];

/// The texts of a registry directory: what an entry of the journal carries, and what the version is the hash of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Files(pub BTreeMap<String, String>);

impl Files {
    /// `rg-` and the first 16 hex digits of the content's SHA-256.
    #[must_use]
    pub fn version(&self) -> String {
        let mut content = Vec::new();
        for (name, text) in &self.0 {
            content.extend_from_slice(name.as_bytes());
            content.push(0);
            content.extend_from_slice(&(text.len() as u64).to_le_bytes());
            content.extend_from_slice(text.as_bytes());
        }
        format!("rg-{}", crate::domain::short_hash(&content))
    }
}

impl Registry {
    /// Reads a registry.
    ///
    /// # Errors
    /// Every fault of every file, in the order of files and lines.
    pub fn parse(files: &Files) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut registry = Registry { version: files.version(), ..Registry::default() };
        let text = |name: &str| files.0.get(name).map(String::as_str);
        for file in FILES.into_iter().filter(|file| text(file).is_none()) {
            let what = "file is missing".to_owned();
            faults.push(Fault {
                file,
                line: 0,
                column: String::new(),
                what,
                mend: "add it to the directory; a header line alone is allowed".to_owned(),
            });
        }
        sites(text("sites.csv").unwrap_or_default(), &mut registry, &mut faults);
        outlets(text("outlets.csv").unwrap_or_default(), &mut registry, &mut faults);
        loggers(text("loggers.csv").unwrap_or_default(), &mut registry, &mut faults);
        series(text("series.csv").unwrap_or_default(), &mut registry, &mut faults);
        limits(text("limits.csv").unwrap_or_default(), &mut registry, &mut faults);
        for rows in registry.wires.values_mut() {
            rows.sort_by_key(|row| row.wire);
        }
        if faults.is_empty() { Ok(registry) } else { Err(faults) }
    }
}

fn validity(line: &mut Line<'_>) -> Validity {
    let from = line.parsed("valid_from", "a date YYYY-MM-DD", Day::parse).map_or(Moment(0), Day::start);
    let to = line.optional("valid_to", "a date YYYY-MM-DD, or nothing", Day::parse).map(Day::start);
    if to.is_some_and(|to| to <= from) {
        line.fault("valid_to", "not after valid_from".to_owned(), "the row ends the day before valid_to; leave it empty while in force");
    }
    Validity { from, to }
}

fn overlaps(one: Validity, other: Validity) -> bool {
    other.to.is_none_or(|to| one.from < to) && one.to.is_none_or(|to| other.from < to)
}

fn site_of(line: &mut Line<'_>, registry: &Registry) -> Option<SiteId> {
    let site = line.parsed("site", "a site of sites.csv (at most 24 bytes)", SiteId::new)?;
    if !registry.sites.contains_key(&site) {
        line.fault("site", format!("{:?} stands not in sites.csv", site.as_str()), "add the site, or mend the name");
    }
    Some(site)
}

fn outlet_of(line: &mut Line<'_>, registry: &Registry) -> Option<OutletId> {
    let outlet = line.parsed("outlet", "an outlet of outlets.csv (at most 24 bytes)", OutletId::new)?;
    if !registry.outlets.contains_key(&outlet) {
        line.fault("outlet", format!("{:?} stands not in outlets.csv", outlet.as_str()), "add the outlet, or mend the name");
    }
    Some(outlet)
}

fn sites(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["site", "name", "name_en", "industry", "region", "valid_from", "valid_to"];
    table::read("sites.csv", text, COLUMNS, faults, |line| {
        let id = line.parsed("site", "a name of 1 to 24 bytes", |text| SiteId::new(text).filter(|id| !id.as_str().is_empty()));
        let (name, name_en) = (line.required("name"), line.text("name_en"));
        let (industry, region, validity) = (line.text("industry"), line.text("region"), validity(line));
        let Some(id) = id else { return };
        if registry.sites.contains_key(&id) {
            line.fault("site", format!("{:?} stands twice", id.as_str()), "keep one row for a site");
        }
        registry.sites.insert(id, Site { id, name, name_en, industry, region, validity });
    });
}

fn outlets(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &[
        "outlet",
        "site",
        "name",
        "name_en",
        "medium",
        "trade",
        "stamp_label",
        "minute_interval_min",
        "real_interval_secs",
        "ref_o2_pct",
        "oxygen_factor",
        "oxidant_o2_pct",
        "low_confidence_counts",
        "valid_from",
        "valid_to",
    ];
    table::read("outlets.csv", text, COLUMNS, faults, |line| {
        let id = line.parsed("outlet", "a name of 1 to 24 bytes", |text| OutletId::new(text).filter(|id| !id.as_str().is_empty()));
        let site = site_of(line, registry);
        let (name, name_en, trade) = (line.required("name"), line.text("name_en"), line.text("trade"));
        let medium = line.parsed("medium", "gas or water", |text| match text {
            "gas" => Some(Medium::Gas),
            "water" => Some(Medium::Water),
            _ => None,
        });
        let stamp_label = line.parsed("stamp_label", "start or end", |text| match text {
            "start" | "" => Some(StampLabel::Start),
            "end" => Some(StampLabel::End),
            _ => None,
        });
        let minute_interval = line.parsed("minute_interval_min", "one of 1,2,3,4,5,6,10,12,15,20,30 (HJ 212-2017 table 4)", |text| {
            text.parse::<u8>().ok().filter(|minutes| [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30].contains(minutes))
        });
        let real_interval_secs =
            line.parsed("real_interval_secs", "seconds, 1 to 3600", |text| text.parse::<u16>().ok().filter(|secs| (1..=3600).contains(secs)));
        let reference_oxygen = line.optional("ref_o2_pct", "a percentage below 21", |text| {
            number::parse(text).ok().filter(|value| *value < Decimal::from(21) && !value.is_sign_negative())
        });
        let oxygen_factor = line.optional("oxygen_factor", "a factor code", FactorCode::new);
        let oxidant_oxygen = line
            .optional("oxidant_o2_pct", "a percentage", |text| number::parse(text).ok().filter(|value| *value > Decimal::ZERO))
            .unwrap_or(Decimal::from(21));
        let low_confidence_counts = line.parsed("low_confidence_counts", "yes or no", |text| match text {
            "yes" => Some(true),
            "no" | "" => Some(false),
            _ => None,
        });
        let validity = validity(line);
        if reference_oxygen.is_some() && oxygen_factor.is_none() && !line.faulty {
            line.fault("oxygen_factor", "empty although ref_o2_pct is given".to_owned(), "name the oxygen series, a19001 by HJ 212-2017");
        }
        let (Some(id), Some(site), Some(medium), Some(stamp_label), Some(minute_interval), Some(real_interval_secs), Some(low_confidence_counts)) =
            (id, site, medium, stamp_label, minute_interval, real_interval_secs, low_confidence_counts)
        else {
            return;
        };
        let known = registry.outlets.get(&id).is_some_and(|rows| rows.iter().any(|row| overlaps(row.validity, validity)));
        if known {
            line.fault("outlet", format!("{:?} stands twice for the same time", id.as_str()), "let the periods of validity follow each other");
        }
        let outlet = Outlet {
            id,
            site,
            name,
            name_en,
            medium,
            trade,
            stamp_label,
            minute_interval,
            real_interval_secs,
            reference_oxygen,
            oxygen_factor,
            oxidant_oxygen,
            low_confidence_counts,
            validity,
        };
        registry.outlets.entry(id).or_default().push(outlet);
    });
}

fn loggers(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["mn", "site", "password", "crc", "edition", "sm4_keys", "role", "valid_from", "valid_to"];
    table::read("loggers.csv", text, COLUMNS, faults, |line| {
        let mn = line.parsed("mn", "a device id of 1 to 40 bytes", |text| Mn::new(text).filter(|mn| !mn.as_str().is_empty()));
        let site = site_of(line, registry);
        let password = line.text("password");
        let dialect = line.parsed("crc", "standard, modbus or modbus_swapped", CrcDialect::parse);
        let edition = line.parsed("edition", "2005, 2017 or 2025", Edition::parse);
        let keys: Vec<Key> = line
            .optional("sm4_keys", "name=32 hex digits, several with ;", |text| text.split(';').map(Key::parse).collect::<Option<Vec<_>>>())
            .unwrap_or_default();
        line.parsed("role", "main or standby", |text| matches!(text, "main" | "standby").then_some(()));
        let validity = validity(line);
        let (Some(mn), Some(site), Some(dialect), Some(edition)) = (mn, site, dialect, edition) else { return };
        let known = registry.loggers.get(&mn).is_some_and(|rows| rows.iter().any(|row| overlaps(row.validity, validity)));
        if known {
            line.fault("mn", format!("{:?} stands twice for the same time", mn.as_str()), "let the periods of validity follow each other");
        }
        registry.loggers.entry(mn).or_default().push(Logger { mn, site, password, dialect, edition, keys, validity });
    });
}

fn series(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] =
        &["outlet", "factor", "mn", "st", "wire_code", "unit", "unit_factor", "range_high", "negative", "valid_from", "valid_to"];
    table::read("series.csv", text, COLUMNS, faults, |line| {
        let outlet = outlet_of(line, registry);
        let factor = line.parsed("factor", "a factor code of 1 to 16 bytes", |text| FactorCode::new(text).filter(|code| !code.as_str().is_empty()));
        let mn = line.parsed("mn", "a logger of loggers.csv", Mn::new);
        if let Some(mn) = mn.filter(|mn| !registry.loggers.contains_key(mn)) {
            line.fault("mn", format!("{:?} stands not in loggers.csv", mn.as_str()), "add the logger, or mend the id");
        }
        let wire = line.optional("wire_code", "a code of 1 to 16 bytes", FactorCode::new);
        let (st, unit) = (line.text("st"), line.required("unit"));
        let unit_factor = line
            .optional("unit_factor", "a number above 0", |text| number::parse(text).ok().filter(|value| *value > Decimal::ZERO))
            .unwrap_or(Decimal::ONE);
        let range_high = line.optional("range_high", "a number above 0", |text| number::parse(text).ok().filter(|value| *value > Decimal::ZERO));
        let negative = line.parsed("negative", "drift or natural", |text| match text {
            "drift" | "" => Some(Negative::Drift),
            "natural" => Some(Negative::Natural),
            _ => None,
        });
        let validity = validity(line);
        let (Some(outlet), Some(factor), Some(mn), Some(negative), false) = (outlet, factor, mn, negative, line.faulty) else { return };
        let medium = registry.outlets[&outlet].last().map_or(Medium::Gas, |outlet| outlet.medium);
        let row = SeriesRow { outlet, factor, st, unit, unit_factor, range_high, negative, validity };
        let wires = match wire {
            Some(wire) => vec![(wire, unit_factor)],
            None => usual_codes(factor, medium, unit_factor),
        };
        let known = registry.wires.entry(mn).or_default();
        let clash = known
            .iter()
            .find(|other| wires.iter().any(|(code, _)| *code == other.wire) && other.row.st == row.st && overlaps(other.row.validity, validity));
        if let Some(clash) = clash {
            let what = format!("code {:?} of this logger already stands for {} {}", clash.wire.as_str(), clash.row.outlet, clash.row.factor);
            line.fault("wire_code", what, "give the code that the logger sends, or another st");
            return;
        }
        known.extend(wires.into_iter().map(|(wire, unit_factor)| WireSeries { wire, row: SeriesRow { unit_factor, ..row.clone() } }));
        registry.factors.entry(outlet).or_default().insert(factor);
        registry.reporters.entry(outlet).or_default().insert(mn);
    });
}

/// The codes under which a factor comes when the register names none: its own, and those of 2005 that mean it.
fn usual_codes(factor: FactorCode, medium: Medium, unit_factor: Decimal) -> Vec<(FactorCode, Decimal)> {
    let legacy = factor::all_legacy()
        .filter(|row| row.code_2017 == factor.as_str() && row.medium == medium.name())
        .filter_map(|row| Some((FactorCode::new(row.code)?, unit_factor * Decimal::from(row.unit_factor))));
    std::iter::once((factor, unit_factor)).chain(legacy).collect()
}

fn limits(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &[
        "outlet",
        "factor",
        "limit_type",
        "limit",
        "unit",
        "basis",
        "ref_o2_pct",
        "converted",
        "standard",
        "source",
        "grade",
        "note",
        "valid_from",
        "valid_to",
    ];
    table::read("limits.csv", text, COLUMNS, faults, |line| {
        let outlet = outlet_of(line, registry);
        let factor = line.parsed("factor", "a factor code", FactorCode::new);
        let limit_type = line.parsed("limit_type", "max or min", |text| match text {
            "max" => Some(LimitType::Max),
            "min" => Some(LimitType::Min),
            _ => None,
        });
        let limit = line.parsed("limit", "a number", |text| number::parse(text).ok().map(|_| text.to_owned()));
        let basis = line.parsed("basis", "hour, day or 5min", |text| match text {
            "hour" => Some(Basis::Hour),
            "day" => Some(Basis::Day),
            "5min" => Some(Basis::FiveMinutes),
            _ => None,
        });
        let converted = line.parsed("converted", "yes or no", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        });
        let reference = line.optional("ref_o2_pct", "a percentage", |text| number::parse(text).ok());
        let (unit, standard, source) = (line.required("unit"), line.required("standard"), line.required("source"));
        let grade = line.parsed("grade", "P, C, S, M or D", Grade::parse);
        let (note, validity) = (line.text("note"), validity(line));
        let (Some(outlet), Some(factor), Some(limit_type), Some(limit), Some(basis), Some(converted), Some(grade), false) =
            (outlet, factor, limit_type, limit, basis, converted, grade, line.faulty)
        else {
            return;
        };
        let row = registry.outlets[&outlet].last();
        if converted && row.is_some_and(|row| row.reference_oxygen.is_none()) {
            line.fault("converted", "yes, but the outlet has no ref_o2_pct".to_owned(), "give the outlet's reference oxygen in outlets.csv");
        } else if converted && reference.is_some() && row.is_some_and(|row| row.reference_oxygen != reference) {
            line.fault(
                "ref_o2_pct",
                format!("{} is not the outlet's", line.text("ref_o2_pct")),
                "let outlets.csv and limits.csv name the same reference oxygen",
            );
        }
        if !registry.factors.get(&outlet).is_some_and(|factors| factors.contains(&factor)) {
            line.fault("factor", format!("{factor} is not measured at {outlet}"), "add the series to series.csv, or drop the limit");
        }
        let limits = registry.limits.entry(Series { outlet, factor }).or_default();
        let twin = limits.iter().any(|other: &Limit| {
            other.basis == basis
                && other.limit_type == limit_type
                && overlaps(Validity { from: other.valid_from, to: other.valid_to }, validity)
                && other.standard == standard
        });
        if twin {
            let line_number = line.number();
            line.fault(
                "limit",
                format!("a second {standard} limit for the same time (line {line_number})"),
                "let the periods of validity follow each other",
            );
        }
        limits.push(Limit {
            limit_type,
            limit,
            unit,
            basis,
            converted,
            standard,
            source,
            grade,
            note,
            valid_from: validity.from,
            valid_to: validity.to,
        });
    });
}
