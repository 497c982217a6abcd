//! The files of a registry directory, read and checked against each other.

use super::rows::{
    Contractor, ConversionOrder, Exemption, ExemptionKind, Logger, MarkDialect, Negative, Networking, Outlet, Permit, Restriction, Role, SeriesRow,
    Site, StampLabel, Validity,
};
use super::table::{self, Fault, Line};
use super::{Registry, WireSeries, cut};
use crate::domain::time::{Day, Moment};
use crate::domain::{Basis, FactorCode, Grade, Limit, LimitType, Medium, Mn, OutletId, Series, SiteId, number};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Edition, factor};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files that every registry directory holds, in the order in which they are read.
pub const FILES: [&str; 5] = ["sites.csv", "outlets.csv", "loggers.csv", "series.csv", "limits.csv"];

/// The files that it may hold besides, in the order in which they are read after those.
pub const MORE_FILES: [&str; 4] = ["permits.csv", "contractors.csv", "exemptions.csv", "restrictions.csv"];

/// CNs whose arrival can be expected of a logger: real-time, minute, hour and day data (HJ 212-2017 table 9).
const EXPECTED_CNS: [&str; 4] = ["2011", "2051", "2061", "2031"];

/// Reads the text of one file into the register.
type Reader = fn(&str, &mut Registry, &mut Vec<Fault>);

/// The texts of a registry directory: what an entry of the journal carries, and what the version is the hash of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Files(pub BTreeMap<String, String>);

impl Files {
    /// `rg-` and the first 16 hex digits of the content's SHA-256; of a part, that of the whole.
    #[must_use]
    pub fn version(&self) -> String {
        if let Some(version) = self.whole_version() {
            return version;
        }
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
        const READERS: [Reader; 9] = [sites, outlets, loggers, series, limits, permits, contractors, exemptions, restrictions];
        let mut faults = Vec::new();
        let mut registry = Registry { version: files.version(), ..Registry::default() };
        for (file, read) in FILES.into_iter().chain(MORE_FILES).zip(READERS) {
            match files.0.get(file) {
                Some(text) => read(text, &mut registry, &mut faults),
                None if FILES.contains(&file) => faults.push(Fault {
                    file,
                    line: 0,
                    column: String::new(),
                    what: "file is missing".to_owned(),
                    mend: "add it to the directory; a header line alone is allowed".to_owned(),
                }),
                None => {}
            }
        }
        if let Some(text) = files.0.get(cut::CUT) {
            registry.shard = cut::read(text, &mut faults).map(|cut| cut.shard);
        }
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

/// A period that has an end: of dates, or of instants with their offset.
fn period(line: &mut Line<'_>) -> Validity {
    const EXPECTED: &str = "a date YYYY-MM-DD, or an instant of RFC 3339 with its offset";
    // A date alone is read as one; a time without an offset is neither.
    let instant = |text: &str| if text.len() == 10 { Day::parse(text).map(Day::start) } else { Moment::parse_rfc3339(text) };
    let from = line.parsed("from", EXPECTED, instant).unwrap_or_default();
    let to = line.parsed("to", EXPECTED, instant);
    if to.is_some_and(|to| to <= from) {
        line.fault("to", "not after from".to_owned(), "give the first instant after the period");
    }
    Validity { from, to }
}

fn yes(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" | "" => Some(false),
        _ => None,
    }
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
    table::read("sites.csv", text, COLUMNS, &["key_unit_from"], faults, |line| {
        let id = line.parsed("site", "a name of 1 to 24 bytes", |text| SiteId::new(text).filter(|id| !id.as_str().is_empty()));
        let (name, name_en) = (line.required("name"), line.text("name_en"));
        let (industry, region) = (line.text("industry"), line.text("region"));
        let key_unit_from = line.optional("key_unit_from", "a date YYYY-MM-DD, or nothing", Day::parse);
        let validity = validity(line);
        let Some(id) = id else { return };
        if registry.sites.contains_key(&id) {
            line.fault("site", format!("{:?} stands twice", id.as_str()), "keep one row for a site");
        }
        registry.sites.insert(id, Site { id, name, name_en, industry, region, key_unit_from, validity });
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
    const OPTIONAL: &[&str] =
        &["label", "flow_factor", "temperature_factor", "stack_area_m2", "marks", "conversion", "expects", "networking", "main", "inlet"];
    let before = faults.len();
    let mut inlets: Vec<(u64, OutletId, SiteId)> = Vec::new();
    table::read("outlets.csv", text, COLUMNS, OPTIONAL, faults, |line| {
        let id = line.parsed("outlet", "a name of 1 to 24 bytes", |text| OutletId::new(text).filter(|id| !id.as_str().is_empty()));
        let site = site_of(line, registry);
        let (name, name_en, trade) = (line.required("name"), line.text("name_en"), line.text("trade"));
        let medium = line.parsed("medium", "gas or water", |text| match text {
            "gas" => Some(Medium::Gas),
            "water" => Some(Medium::Water),
            _ => None,
        });
        let stamp_label = line.parsed("stamp_label", "start or end", StampLabel::parse);
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
        let low_confidence_counts = line.parsed("low_confidence_counts", "yes or no", yes);
        let validity = validity(line);
        let label = line.text("label");
        let flow_factor = line.optional("flow_factor", "a factor code", FactorCode::new);
        let temperature_factor = line.optional("temperature_factor", "a factor code", FactorCode::new);
        let stack_area_m2 = line.optional("stack_area_m2", "an area above 0", |text| number::parse(text).ok().filter(|value| *value > Decimal::ZERO));
        let marks = line.parsed("marks", "standard, hj75 or hj212", MarkDialect::parse);
        let conversion = line.parsed("conversion", "mean_first or minutes_first", ConversionOrder::parse);
        let expects = line.optional("expects", "CNs out of 2011, 2051, 2061 and 2031 with ; between them", cns).unwrap_or_default();
        let networking = line.parsed("networking", "due, exempt or deferred", Networking::parse).unwrap_or_default();
        let is_main = line.optional("main", "yes or no", yes);
        let inlet = line.optional("inlet", "another outlet of the same site", OutletId::new);
        if inlet.is_some() && inlet == id {
            line.fault("inlet", "the outlet itself".to_owned(), "name the point at which comes in what is treated before it");
        }
        inlets.extend(inlet.zip(site).map(|(inlet, site)| (line.number(), inlet, site)));
        if reference_oxygen.is_some() && oxygen_factor.is_none() && !line.faulty {
            line.fault("oxygen_factor", "empty although ref_o2_pct is given".to_owned(), "name the oxygen series, a19001 by HJ 212-2017");
        }
        let (Some(id), Some(site), Some(medium), Some(stamp_label), Some(minute_interval), Some(real_interval_secs), Some(low_confidence_counts)) =
            (id, site, medium, stamp_label, minute_interval, real_interval_secs, low_confidence_counts)
        else {
            return;
        };
        let (Some(marks), Some(conversion)) = (marks, conversion) else { return };
        let (usual_flow, usual_temperature) = match medium {
            Medium::Gas => (FactorCode::new("a00000"), None),
            Medium::Water => (FactorCode::new("w00000"), FactorCode::new("w01010")),
        };
        let known = registry.outlets.get(&id).is_some_and(|rows| rows.iter().any(|row| row.validity.overlaps(validity)));
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
            label,
            flow_factor: flow_factor.or(usual_flow),
            temperature_factor: temperature_factor.or(usual_temperature),
            stack_area_m2,
            marks,
            conversion,
            expects,
            networking,
            inlet,
            is_main,
            validity,
        };
        registry.outlets.entry(id).or_default().push(outlet);
    });
    // An outlet may stand above its inlet.
    let known = |inlet: &OutletId, site: SiteId| registry.outlets.get(inlet).is_some_and(|rows| rows.iter().all(|row| row.site == site));
    for (line, inlet, _) in inlets.into_iter().filter(|(_, inlet, site)| !known(inlet, *site)) {
        let what = format!("{:?} stands not in outlets.csv at this site", inlet.as_str());
        let mend = "add the point as an outlet of the site, or mend the name".to_owned();
        faults.push(Fault { file: "outlets.csv", line, column: "inlet".to_owned(), what, mend });
    }
    faults[before..].sort_by_key(|fault| fault.line);
}

fn cns(text: &str) -> Option<Vec<String>> {
    text.split(';').map(|cn| EXPECTED_CNS.contains(&cn.trim()).then(|| cn.trim().to_owned())).collect()
}

/// The keys of a logger. A fault does not show them.
fn keys(line: &mut Line<'_>) -> Vec<Key> {
    let text = line.text("sm4_keys");
    if text.is_empty() {
        return Vec::new();
    }
    let keys: Option<Vec<Key>> = text.split(';').map(Key::parse).collect();
    if keys.is_none() {
        line.fault("sm4_keys", "no keys".to_owned(), "write name=32 hex digits for each, with ; between them");
    }
    keys.unwrap_or_default()
}

fn loggers(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["mn", "site", "password", "crc", "edition", "sm4_keys", "role", "valid_from", "valid_to"];
    let before = faults.len();
    let mut replaced: Vec<(u64, Mn)> = Vec::new();
    table::read("loggers.csv", text, COLUMNS, &["replaces"], faults, |line| {
        let mn = line.parsed("mn", "a device id of 1 to 40 bytes", |text| Mn::new(text).filter(|mn| !mn.as_str().is_empty()));
        let site = site_of(line, registry);
        let password = line.text("password");
        let dialect = line.parsed("crc", "standard, modbus or modbus_swapped", CrcDialect::parse);
        let edition = line.parsed("edition", "2005, 2017 or 2025", Edition::parse);
        let keys = keys(line);
        let role = line.parsed("role", "main or standby", Role::parse);
        let validity = validity(line);
        let replaces = line.optional("replaces", "another logger of loggers.csv", Mn::new);
        if replaces.is_some() && replaces == mn {
            line.fault("replaces", "the logger itself".to_owned(), "name the logger that stood in its place before");
        }
        replaced.extend(replaces.map(|replaces| (line.number(), replaces)));
        let (Some(mn), Some(site), Some(dialect), Some(edition)) = (mn, site, dialect, edition) else { return };
        let known = registry.loggers.get(&mn).is_some_and(|rows| rows.iter().any(|row| row.validity.overlaps(validity)));
        if known {
            line.fault("mn", format!("{:?} stands twice for the same time", mn.as_str()), "let the periods of validity follow each other");
        }
        let role = role.unwrap_or_default();
        registry.loggers.entry(mn).or_default().push(Logger { mn, site, password, dialect, edition, keys, role, replaces, validity });
    });
    // A logger may stand above the one that it replaces.
    for (line, mn) in replaced.into_iter().filter(|(_, mn)| !registry.loggers.contains_key(mn)) {
        let what = format!("{:?} stands not in loggers.csv", mn.as_str());
        let mend = "add the logger, or mend the id".to_owned();
        faults.push(Fault { file: "loggers.csv", line, column: "replaces".to_owned(), what, mend });
    }
    faults[before..].sort_by_key(|fault| fault.line);
}

fn series(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] =
        &["outlet", "factor", "mn", "st", "wire_code", "unit", "unit_factor", "range_high", "negative", "valid_from", "valid_to"];
    table::read("series.csv", text, COLUMNS, &["cycle_hours", "detection_limit", "span_gas", "slope", "intercept"], faults, |line| {
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
        let negative = line.parsed("negative", "drift or natural", Negative::parse);
        let validity = validity(line);
        let cycle_hours =
            line.optional("cycle_hours", "1, 2 or 4", |text| text.parse::<u8>().ok().filter(|hours| [1, 2, 4].contains(hours))).unwrap_or(1);
        let number_of = |line: &mut Line<'_>, column| line.optional(column, "a number", |text| number::parse(text).ok());
        let (detection_limit, span_gas) = (number_of(line, "detection_limit"), number_of(line, "span_gas"));
        let (slope, intercept) = (number_of(line, "slope"), number_of(line, "intercept"));
        let (Some(outlet), Some(factor), Some(mn), Some(negative), false) = (outlet, factor, mn, negative, line.faulty) else { return };
        let medium = registry.outlets[&outlet].last().map_or(Medium::Gas, |outlet| outlet.medium);
        let row = SeriesRow {
            outlet,
            factor,
            st,
            wire,
            unit,
            unit_factor,
            range_high,
            negative,
            cycle_hours,
            detection_limit,
            span_gas,
            slope,
            intercept,
            validity,
        };
        let wires = match wire {
            Some(wire) => vec![(wire, unit_factor)],
            None => usual_codes(factor, medium, unit_factor),
        };
        let known = registry.wires.entry(mn).or_default();
        let clash = known
            .iter()
            .find(|other| wires.iter().any(|(code, _)| *code == other.wire) && other.row.st == row.st && other.row.validity.overlaps(validity));
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
    table::read("limits.csv", text, COLUMNS, &["cold_limit", "restricted"], faults, |line| {
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
        let cold = line.optional("cold_limit", "a number", |text| number::parse(text).ok().map(|_| text.to_owned()));
        let restricted = line.parsed("restricted", "yes or no", yes).unwrap_or_default();
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
        if let Some(cold) = &cold {
            let stricter = matches!((number::parse(cold), number::parse(&limit)), (Ok(cold), Ok(limit)) if cold < limit);
            if stricter && limit_type == LimitType::Max {
                line.fault("cold_limit", format!("{cold} is below the limit {limit}"), "give the figure in brackets, which is the milder one");
            }
            if row.is_some_and(|row| row.temperature_factor.is_none()) {
                line.fault(
                    "cold_limit",
                    "given, but the outlet has no temperature_factor".to_owned(),
                    "name the series of the temperature in outlets.csv",
                );
            }
        }
        if !registry.factors.get(&outlet).is_some_and(|factors| factors.contains(&factor)) {
            line.fault("factor", format!("{factor} is not measured at {outlet}"), "add the series to series.csv, or drop the limit");
        }
        let limits = registry.limits.entry(Series { outlet, factor }).or_default();
        let twin = limits.iter().any(|other: &Limit| {
            other.basis == basis
                && other.limit_type == limit_type
                && validity.overlaps(Validity { from: other.valid_from, to: other.valid_to })
                && other.standard == standard
                && other.restricted == restricted
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
            cold,
            restricted,
        });
    });
}

fn permits(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["site", "permit", "document", "issued", "valid_from", "valid_to"];
    table::read("permits.csv", text, COLUMNS, &[], faults, |line| {
        let site = site_of(line, registry);
        let (number, document) = (line.required("permit"), line.text("document"));
        let issued = line.parsed("issued", "a date YYYY-MM-DD", Day::parse);
        let validity = validity(line);
        let (Some(site), Some(issued), false) = (site, issued, line.faulty) else { return };
        let rows = registry.permits.entry(site).or_default();
        if rows.iter().any(|row| row.number == number && row.validity.overlaps(validity)) {
            line.fault("permit", format!("{number:?} stands twice for the same time"), "let the periods of validity follow each other");
        }
        rows.push(Permit { site, number, document, issued, validity });
    });
}

fn contractors(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["contractor", "name", "site", "document", "valid_from", "valid_to"];
    table::read("contractors.csv", text, COLUMNS, &["outlet"], faults, |line| {
        let (id, name) = (line.required("contractor"), line.required("name"));
        let site = site_of(line, registry);
        let all = line.text("outlet").is_empty();
        let outlet = if all { None } else { outlet_of(line, registry) };
        let (document, validity) = (line.text("document"), validity(line));
        let (Some(site), false) = (site, line.faulty) else { return };
        if let Some(outlet) = outlet.filter(|outlet| registry.outlets[outlet].iter().all(|row| row.site != site)) {
            line.fault("outlet", format!("{outlet} is no outlet of {site}"), "give an outlet of the site, or leave it empty for all");
        }
        let rows = registry.contractors.entry(site).or_default();
        if rows.iter().any(|row| row.id == id && row.outlet == outlet && row.validity.overlaps(validity)) {
            line.fault("contractor", format!("{id:?} stands twice for the same time"), "let the periods of validity follow each other");
        }
        rows.push(Contractor { id, name, site, outlet, document, validity });
    });
}

fn exemptions(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["outlet", "kind", "document", "approved_by", "approved_on", "from", "to"];
    table::read("exemptions.csv", text, COLUMNS, &["factor"], faults, |line| {
        let outlet = outlet_of(line, registry);
        let factor = line.optional("factor", "a factor code, or nothing for all", FactorCode::new);
        let kind = line.parsed("kind", "start_up, shut_down, fault, furnace_drying, banked_fire or other", ExemptionKind::parse);
        let (document, approved_by) = (line.required("document"), line.required("approved_by"));
        let approved_on = line.parsed("approved_on", "a date YYYY-MM-DD", Day::parse);
        let validity = period(line);
        let (Some(outlet), Some(kind), Some(approved_on), false) = (outlet, kind, approved_on, line.faulty) else { return };
        if let Some(factor) = factor.filter(|factor| !registry.factors.get(&outlet).is_some_and(|factors| factors.contains(factor))) {
            line.fault("factor", format!("{factor} is not measured at {outlet}"), "give a factor of series.csv, or leave it empty for all");
        }
        let rows = registry.exemptions.entry(outlet).or_default();
        let twin = |row: &Exemption| row.factor == factor && row.kind == kind && row.document == document && row.validity.overlaps(validity);
        if rows.iter().any(twin) {
            line.fault("document", format!("{document:?} stands twice for the same time"), "keep one row for a period");
        }
        rows.push(Exemption { outlet, factor, kind, document, approved_by, approved_on, validity });
    });
}

fn restrictions(text: &str, registry: &mut Registry, faults: &mut Vec<Fault>) {
    const COLUMNS: &[&str] = &["outlet", "name", "document", "from", "to"];
    table::read("restrictions.csv", text, COLUMNS, &[], faults, |line| {
        let outlet = outlet_of(line, registry);
        let (name, document, validity) = (line.required("name"), line.text("document"), period(line));
        let (Some(outlet), false) = (outlet, line.faulty) else { return };
        let rows = registry.restrictions.entry(outlet).or_default();
        if rows.iter().any(|row| row.name == name && row.document == document && row.validity.overlaps(validity)) {
            line.fault("name", format!("{name:?} stands twice for the same time"), "keep one row for a period");
        }
        rows.push(Restriction { outlet, name, document, validity });
    });
}
