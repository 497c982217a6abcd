//! What a new registry changes: for people row by row ([`changes`]), for the means outlet by outlet ([`Registry::differences`]).
//!
//! Two versions of the rows of one key are laid beside each other and cut wherever a row of either begins or ends. A slice of
//! time in which both say the same keeps its means; every other one is computed again, as deep as the column that differs goes.

use super::rows::{Exemption, Logger, Outlet, Restriction, SeriesRow, StampLabel, Validity};
use super::{FILES, Files, MORE_FILES, Registry};
use crate::domain::time::{HOUR_MS, Moment};
use crate::domain::{Basis, Depth, FactorCode, Limit, LimitType, Mn, OutletId, Series};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// Sentences of a difference that are written out.
const SENTENCES_MAX: usize = 5;

/// A time of an outlet that is to be computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub outlet: OutletId,
    /// First instant that may come out otherwise.
    pub from: Moment,
    /// First instant that no longer may; none: all that comes.
    pub to: Option<Moment>,
    /// From what it is computed again.
    pub depth: Depth,
    /// Why: file, row and column, old → new; several with `; ` between them.
    pub what: String,
}

impl Registry {
    /// Which outlets have to be computed again when `newer` follows this registry, and for what time: by outlet, depth and time.
    /// Names, labels, passwords, keys, checks, permits and contractors change no figure and are not here.
    #[must_use]
    pub fn differences(&self, newer: &Registry) -> Vec<Difference> {
        let mut survey = Survey { old: self, newer, heard: BTreeMap::new(), found: Vec::new() };
        survey.listen();
        survey.key_units();
        survey.outlets();
        survey.loggers();
        survey.series();
        survey.limits();
        survey.conversions();
        survey.exemptions();
        survey.restrictions();
        survey.finish()
    }
}

/// A slice of time in which two versions differ.
#[derive(Debug, Clone)]
struct Slice {
    validity: Validity,
    depth: Depth,
    what: String,
}

/// The old and the newer rows of one key.
type Versions<'r, R> = [Vec<&'r R>; 2];

/// Two registries side by side.
struct Survey<'r> {
    old: &'r Registry,
    newer: &'r Registry,
    /// When a logger's word on an outlet is read, in either.
    heard: BTreeMap<Mn, BTreeMap<OutletId, Vec<Validity>>>,
    found: Vec<(OutletId, Slice)>,
}

impl<'r> Survey<'r> {
    fn listen(&mut self) {
        for registry in [self.old, self.newer] {
            for (mn, wires) in &registry.wires {
                let of_logger = self.heard.entry(*mn).or_default();
                for wire in wires {
                    let periods = of_logger.entry(wire.row.outlet).or_default();
                    if !periods.contains(&wire.row.validity) {
                        periods.push(wire.row.validity);
                    }
                }
            }
        }
    }

    fn push(&mut self, outlet: OutletId, slices: Vec<Slice>) {
        self.found.extend(slices.into_iter().map(|slice| (outlet, slice)));
    }

    /// Between the two dates the site is a key unit by one version and none by the other.
    fn key_units(&mut self) {
        for (id, site) in &self.newer.sites {
            let Some(before) = self.old.sites.get(id).map(|site| site.key_unit_from) else { continue };
            let after = site.key_unit_from;
            let Some(first) = before.into_iter().chain(after).min().filter(|_| before != after) else { continue };
            let to = before.zip(after).map(|(before, after)| before.max(after).start());
            let [old, new] = [before, after].map(|day| day.map_or_else(|| "none".to_owned(), |day| day.to_string()));
            let slice = Slice {
                validity: Validity { from: first.start(), to },
                depth: Depth::Verdicts,
                what: format!("sites.csv, {id}: key_unit_from {old} → {new}"),
            };
            let outlets = self.old.outlets.values().chain(self.newer.outlets.values()).flatten();
            let outlets: BTreeSet<OutletId> = outlets.filter(|outlet| outlet.site == *id).map(|outlet| outlet.id).collect();
            self.found.extend(outlets.into_iter().map(|outlet| (outlet, slice.clone())));
        }
    }

    fn outlets(&mut self) {
        let rows = |registry: &'r Registry| registry.outlets.iter().flat_map(|(outlet, rows)| rows.iter().map(move |row| (*outlet, row)));
        for (outlet, [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            let reporters = self.old.loggers_of(outlet).into_iter().chain(self.newer.loggers_of(outlet));
            let heard: Vec<Validity> = reporters.filter_map(|mn| self.heard.get(&mn)?.get(&outlet)).flatten().copied().collect();
            self.push(outlet, slices(&format!("outlets.csv, {outlet}"), &old, &newer, &heard));
        }
    }

    /// A logger's row concerns every outlet that it reports on, while it does.
    fn loggers(&mut self) {
        let rows = |registry: &'r Registry| registry.loggers.iter().flat_map(|(mn, rows)| rows.iter().map(move |row| (*mn, row)));
        for (mn, [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            for (outlet, heard) in self.heard.get(&mn).into_iter().flatten() {
                for slice in slices(&format!("loggers.csv, {mn}"), &old, &newer, heard) {
                    let periods = heard.iter().filter_map(|period| slice.validity.common(*period));
                    self.found.extend(periods.map(|validity| (*outlet, Slice { validity, ..slice.clone() })));
                }
            }
        }
    }

    fn series(&mut self) {
        // A row without a wire code stands under several; its own comes first.
        let rows = |registry: &'r Registry| {
            registry.wires.iter().flat_map(|(mn, wires)| {
                let registered = wires.iter().filter(|wire| wire.row.wire.is_some() || wire.wire == wire.row.factor);
                registered.map(move |wire| ((wire.row.outlet, wire.row.factor, *mn, wire.row.st.as_str(), wire.row.wire), &wire.row))
            })
        };
        for ((outlet, factor, mn, st, wire), [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            let mut name = format!("series.csv, {outlet} {factor} of {mn}");
            if !st.is_empty() {
                name = format!("{name} under st {st}");
            }
            if let Some(wire) = wire {
                name = format!("{name} as {wire}");
            }
            self.push(outlet, slices(&name, &old, &newer, &[]));
        }
    }

    fn limits(&mut self) {
        let key = |series: Series, row: &'r Limit| (series, row.basis, row.limit_type, row.standard.as_str(), row.restricted);
        let rows =
            |registry: &'r Registry| registry.limits.iter().flat_map(move |(series, rows)| rows.iter().map(move |row| (key(*series, row), row)));
        for ((series, basis, limit_type, standard, restricted), [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            let Series { outlet, factor } = series;
            let side = if limit_type == LimitType::Max { "max" } else { "min" };
            let basis = match basis {
                Basis::Hour => "hour",
                Basis::Day => "day",
                Basis::FiveMinutes => "5min",
            };
            let when = if restricted { " restricted" } else { "" };
            self.push(outlet, slices(&format!("limits.csv, {outlet} {factor} {side} {basis} {standard}{when}"), &old, &newer, &[]));
        }
    }

    /// A series has converted means while a converted limit is in force: where the first one comes or the last one goes, they do.
    fn conversions(&mut self) {
        let all: BTreeSet<Series> = self.old.limits.keys().chain(self.newer.limits.keys()).copied().collect();
        for series in all {
            let said = |registry: &'r Registry| (registry.limits.get(&series), registry.restrictions.get(&series.outlet));
            if said(self.old) == said(self.newer) {
                continue;
            }
            let periods = [self.old, self.newer].into_iter().flat_map(|registry| {
                let (limits, restrictions) = said(registry);
                limits.into_iter().flatten().map(Dated::validity).chain(restrictions.into_iter().flatten().map(Dated::validity))
            });
            let Series { outlet, factor } = series;
            for validity in tiles(periods) {
                let what = match [self.old, self.newer].map(|registry| converts(registry, series, validity.from)) {
                    [false, true] => format!("limits.csv, {outlet} {factor}: converted no → yes, its first converted limit"),
                    [true, false] => format!("limits.csv, {outlet} {factor}: converted yes → no, its last converted limit"),
                    _ => continue,
                };
                self.found.push((outlet, Slice { validity, depth: Depth::Readings, what }));
            }
        }
    }

    fn exemptions(&mut self) {
        let key = |row: &'r Exemption| (row.outlet, row.factor, row.kind, row.document.as_str());
        let rows = |registry: &'r Registry| registry.exemptions.values().flatten().map(move |row| (key(row), row));
        for ((outlet, factor, kind, document), [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            let factor = factor.map_or_else(|| "all factors".to_owned(), |factor| factor.to_string());
            self.push(outlet, slices(&format!("exemptions.csv, {outlet} {factor} {} {document}", kind.name()), &old, &newer, &[]));
        }
    }

    fn restrictions(&mut self) {
        let key = |row: &'r Restriction| (row.outlet, row.name.as_str(), row.document.as_str());
        let rows = |registry: &'r Registry| registry.restrictions.values().flatten().map(move |row| (key(row), row));
        for ((outlet, name, document), [old, newer]) in differing(rows(self.old), rows(self.newer)) {
            let name = format!("restrictions.csv, {outlet} {name} {document}");
            self.push(outlet, slices(name.trim_end(), &old, &newer, &[]));
        }
    }

    fn finish(mut self) -> Vec<Difference> {
        for (outlet, slice) in &mut self.found {
            let at = slice.validity.from;
            let ends = |registry: &Registry| registry.outlet(*outlet, at).is_some_and(|row| row.stamp_label == StampLabel::End);
            // A packet is read by the rows in force at its stamp: the hour whose end is stamped begins before them.
            if slice.depth == Depth::Readings && (ends(self.old) || ends(self.newer)) {
                slice.validity.from = at.plus_ms(-HOUR_MS);
            }
        }
        merged(self.found)
    }
}

/// Groups the rows of both versions by key and keeps the groups that differ.
fn differing<'r, K: Ord, R: PartialEq + 'r>(
    old: impl Iterator<Item = (K, &'r R)>,
    newer: impl Iterator<Item = (K, &'r R)>,
) -> Vec<(K, Versions<'r, R>)> {
    let mut groups: BTreeMap<K, Versions<'r, R>> = BTreeMap::new();
    for (key, row) in old {
        groups.entry(key).or_default()[0].push(row);
    }
    for (key, row) in newer {
        groups.entry(key).or_default()[1].push(row);
    }
    groups.into_iter().filter(|(_, [old, newer])| old != newer).collect()
}

/// Time cut at every edge of some periods, from the first edge on.
fn tiles(periods: impl Iterator<Item = Validity>) -> Vec<Validity> {
    let mut edges: BTreeSet<Moment> = BTreeSet::new();
    for period in periods {
        edges.insert(period.from);
        edges.extend(period.to);
    }
    let ends = edges.iter().skip(1).copied().map(Some).chain([None]);
    edges.iter().copied().zip(ends).map(|(from, to)| Validity { from, to }).collect()
}

/// The slices in which two versions of the rows of one key differ. Outside all its periods the last row of an outlet or a logger
/// counts, as long as something is `heard` there.
fn slices<R: Dated>(name: &str, old: &[&R], newer: &[&R], heard: &[Validity]) -> Vec<Slice> {
    let periods = old.iter().chain(newer).map(|row| row.validity()).chain(heard.iter().copied());
    let mut slices = Vec::new();
    for validity in tiles(periods) {
        let at = validity.from;
        let mut sides = (in_force(old, at), in_force(newer, at));
        if matches!(sides, (None, None)) && heard.iter().any(|period| period.holds(at)) {
            sides = (old.last().copied(), newer.last().copied());
        }
        let (depth, what) = match sides {
            (None, None) => continue,
            (Some(before), Some(after)) => match changed(before, after) {
                Some(change) => change,
                None => continue,
            },
            (Some(before), None) => (R::WHOLE, kin(before, newer).map_or_else(|| gone("removed", before), |after| moved(before, after))),
            (None, Some(after)) => (R::WHOLE, kin(after, old).map_or_else(|| gone("added", after), |before| moved(before, after))),
        };
        slices.push(Slice { validity, depth, what: format!("{name}: {what}") });
    }
    slices
}

fn in_force<'r, R: Dated>(rows: &[&'r R], at: Moment) -> Option<&'r R> {
    rows.iter().copied().find(|row| row.validity().holds(at))
}

/// The deepest column that two rows differ in, and all of them in words.
fn changed<R: Dated>(before: &R, after: &R) -> Option<(Depth, String)> {
    let pairs = before.columns().into_iter().zip(after.columns());
    let differing: Vec<(Depth, String)> = pairs
        .filter(|((_, old, _), (_, new, _))| old != new)
        .map(|((column, old, depth), (_, new, _))| (depth, format!("{column} {} → {}", or_none(&old), or_none(&new))))
        .collect();
    let depth = differing.iter().map(|(depth, _)| *depth).max()?;
    let words: Vec<String> = differing.into_iter().map(|(_, words)| words).collect();
    Some((depth, words.join(", ")))
}

/// A row of the other version that says the same, and begins or ends when this one does: the same row with another period.
fn kin<'r, R: Dated>(row: &R, others: &[&'r R]) -> Option<&'r R> {
    let (period, columns) = (row.validity(), row.columns());
    let touches = |other: &Validity| other.from == period.from || other.to == period.to;
    others.iter().copied().find(|other| touches(&other.validity()) && other.columns() == columns)
}

fn moved<R: Dated>(before: &R, after: &R) -> String {
    let (old, new) = (before.validity(), after.validity());
    let end = |to: Option<Moment>| to.map_or_else(|| "none".to_owned(), date);
    let ends = || format!("{} {} → {}", R::BOUNDS[1], end(old.to), end(new.to));
    if old.from == new.from { ends() } else { format!("{} {} → {}", R::BOUNDS[0], date(old.from), date(new.from)) }
}

fn gone<R: Dated>(word: &str, row: &R) -> String {
    let Validity { from, to } = row.validity();
    let to = to.map_or_else(String::new, |to| format!(" to {}", date(to)));
    format!("row {word}, in force from {}{to}", date(from))
}

/// A day where it begins one, else the instant.
fn date(at: Moment) -> String {
    let day = at.day();
    if day.start() == at { day.to_string() } else { at.to_string() }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// Whether a series has converted means at an instant.
fn converts(registry: &Registry, series: Series, at: Moment) -> bool {
    [Basis::Hour, Basis::Day].into_iter().any(|basis| registry.limits(series, basis, at).any(|limit| limit.converted))
}

/// Joins what touches or overlaps at one outlet and depth.
fn merged(mut found: Vec<(OutletId, Slice)>) -> Vec<Difference> {
    found.sort_by_key(|(outlet, slice)| (*outlet, slice.depth, slice.validity.from));
    let mut merged: Vec<(OutletId, Slice, Vec<String>)> = Vec::new();
    for (outlet, slice) in found {
        let touches = |(known, last, _): &&mut (OutletId, Slice, Vec<String>)| {
            *known == outlet && last.depth == slice.depth && last.validity.to.is_none_or(|to| slice.validity.from <= to)
        };
        if let Some((_, last, sentences)) = merged.last_mut().filter(touches) {
            last.validity.to = last.validity.to.zip(slice.validity.to).map(|(one, other)| one.max(other));
            if !sentences.contains(&slice.what) {
                sentences.push(slice.what);
            }
        } else {
            let sentences = vec![slice.what.clone()];
            merged.push((outlet, slice, sentences));
        }
    }
    let difference = |(outlet, slice, sentences): (OutletId, Slice, Vec<String>)| Difference {
        outlet,
        from: slice.validity.from,
        to: slice.validity.to,
        depth: slice.depth,
        what: joined(&sentences),
    };
    merged.into_iter().map(difference).collect()
}

fn joined(sentences: &[String]) -> String {
    let shown = sentences[..sentences.len().min(SENTENCES_MAX)].join("; ");
    match sentences.len().saturating_sub(SENTENCES_MAX) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// Name, value, and how deep a change of it goes.
type Column = (&'static str, String, Depth);

/// A row as a recount sees it.
trait Dated {
    /// The columns of its period.
    const BOUNDS: [&'static str; 2] = ["valid_from", "valid_to"];
    /// How deep time is computed again in which the row is there and was not, or was and is not.
    const WHOLE: Depth = Depth::Readings;

    /// Its period.
    fn validity(&self) -> Validity;

    /// The columns that change a figure, always the same ones in the same order.
    fn columns(&self) -> Vec<Column>;
}

fn decimal(value: Option<Decimal>) -> String {
    value.map(|value| value.normalize().to_string()).unwrap_or_default()
}

fn code(value: Option<FactorCode>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn yes_no(value: bool) -> String {
    if value { "yes".to_owned() } else { "no".to_owned() }
}

impl Dated for Outlet {
    fn validity(&self) -> Validity {
        self.validity
    }

    fn columns(&self) -> Vec<Column> {
        use Depth::{Means, Readings, Verdicts};
        vec![
            ("medium", self.medium.name().to_owned(), Readings),
            ("trade", self.trade.clone(), Verdicts),
            ("stamp_label", self.stamp_label.name().to_owned(), Readings),
            ("minute_interval_min", self.minute_interval.to_string(), Readings),
            ("real_interval_secs", self.real_interval_secs.to_string(), Readings),
            ("ref_o2_pct", decimal(self.reference_oxygen), Readings),
            ("oxygen_factor", code(self.oxygen_factor), Readings),
            ("oxidant_o2_pct", decimal(Some(self.oxidant_oxygen)), Readings),
            ("low_confidence_counts", yes_no(self.low_confidence_counts), Readings),
            ("flow_factor", code(self.flow_factor), Readings),
            ("temperature_factor", code(self.temperature_factor), Means),
            ("stack_area_m2", decimal(self.stack_area_m2), Means),
            ("marks", self.marks.name().to_owned(), Readings),
            ("conversion", self.conversion.name().to_owned(), Readings),
            ("expects", self.expects.join(";"), Verdicts),
            ("networking", self.networking.name().to_owned(), Verdicts),
            ("inlet", self.inlet.map(|inlet| inlet.to_string()).unwrap_or_default(), Verdicts),
            ("main", self.is_main.map(yes_no).unwrap_or_default(), Verdicts),
        ]
    }
}

impl Dated for Logger {
    fn validity(&self) -> Validity {
        self.validity
    }

    fn columns(&self) -> Vec<Column> {
        vec![("role", self.role.name().to_owned(), Depth::Readings)]
    }
}

impl Dated for SeriesRow {
    fn validity(&self) -> Validity {
        self.validity
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            ("unit", self.unit.clone(), Depth::Readings),
            ("unit_factor", decimal(Some(self.unit_factor)), Depth::Readings),
            ("range_high", decimal(self.range_high), Depth::Readings),
            ("negative", self.negative.name().to_owned(), Depth::Readings),
            ("cycle_hours", self.cycle_hours.to_string(), Depth::Readings),
            ("detection_limit", decimal(self.detection_limit), Depth::Verdicts),
            ("span_gas", decimal(self.span_gas), Depth::Verdicts),
            ("slope", decimal(self.slope), Depth::Verdicts),
            ("intercept", decimal(self.intercept), Depth::Verdicts),
        ]
    }
}

impl Dated for Limit {
    const WHOLE: Depth = Depth::Verdicts;

    fn validity(&self) -> Validity {
        Validity { from: self.valid_from, to: self.valid_to }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            ("limit", self.limit.clone(), Depth::Verdicts),
            ("unit", self.unit.clone(), Depth::Verdicts),
            ("converted", yes_no(self.converted), Depth::Readings),
            ("source", self.source.clone(), Depth::Verdicts),
            ("grade", format!("{:?}", self.grade), Depth::Verdicts),
            ("note", self.note.clone(), Depth::Verdicts),
            ("cold_limit", self.cold.clone().unwrap_or_default(), Depth::Verdicts),
        ]
    }
}

impl Dated for Exemption {
    const BOUNDS: [&'static str; 2] = ["from", "to"];

    fn validity(&self) -> Validity {
        self.validity
    }

    fn columns(&self) -> Vec<Column> {
        vec![("approved_by", self.approved_by.clone(), Depth::Readings), ("approved_on", self.approved_on.to_string(), Depth::Readings)]
    }
}

impl Dated for Restriction {
    const BOUNDS: [&'static str; 2] = ["from", "to"];
    const WHOLE: Depth = Depth::Verdicts;

    fn validity(&self) -> Validity {
        self.validity
    }

    fn columns(&self) -> Vec<Column> {
        Vec::new()
    }
}

// --- for people -----------------------------------------------------------------------------------------------------------

/// The columns by which a row is known beside its period, in the order of the files.
const KEYS: [&[&str]; 9] = [
    &["site"],
    &["outlet"],
    &["mn"],
    &["outlet", "factor", "mn", "st", "wire_code"],
    &["outlet", "factor", "limit_type", "basis", "standard", "restricted"],
    &["site", "permit"],
    &["contractor", "site", "outlet"],
    &["outlet", "factor", "kind", "document"],
    &["outlet", "name", "document"],
];

/// What an empty cell means, where it means something.
const DEFAULTS: [(&str, &str); 11] = [
    ("stamp_label", "start"),
    ("oxidant_o2_pct", "21"),
    ("low_confidence_counts", "no"),
    ("marks", "standard"),
    ("networking", "due"),
    ("conversion", "mean_first"),
    ("crc", "standard"),
    ("unit_factor", "1"),
    ("negative", "drift"),
    ("cycle_hours", "1"),
    ("restricted", "no"),
];

/// Columns whose contents nobody is shown.
const SECRETS: [&str; 2] = ["password", "sm4_keys"];

/// The cells of a row that say something else than their column's default.
type Cells = BTreeMap<String, String>;

/// Every row that was added, removed or changed, a sentence each, `file: key: column: old -> new`; by file, then key. Of
/// passwords and keys only that they changed.
#[must_use]
pub fn changes(old: &Files, newer: &Files) -> Vec<String> {
    let mut sentences = Vec::new();
    for (file, columns) in FILES.into_iter().chain(MORE_FILES).zip(KEYS) {
        let (old, newer) = (rows(old, file, columns), rows(newer, file, columns));
        let keys: BTreeSet<&Vec<String>> = old.keys().chain(newer.keys()).collect();
        for key in keys {
            let words: Vec<&str> = key.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
            let of = |rows: &BTreeMap<Vec<String>, Vec<Cells>>| rows.get(key).cloned().unwrap_or_default();
            sentences.extend(row_changes(&format!("{file}: {}", words.join(" ")), &of(&old), &of(&newer)));
        }
    }
    sentences
}

/// The rows of a file by their keys. What cannot be read is left out: it is no row.
fn rows(files: &Files, file: &str, columns: &[&str]) -> BTreeMap<Vec<String>, Vec<Cells>> {
    let mut rows: BTreeMap<Vec<String>, Vec<Cells>> = BTreeMap::new();
    let text = files.0.get(file).map(String::as_str).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().map(|header| header.iter().map(|name| name.trim().to_owned()).collect()).unwrap_or_default();
    for record in reader.records().filter_map(Result::ok) {
        let cells = header.iter().zip(&record).map(|(name, cell)| (name.clone(), cell.trim().to_owned()));
        let cells: Cells = cells.filter(|(name, cell)| !cell.is_empty() && !DEFAULTS.contains(&(name.as_str(), cell.as_str()))).collect();
        if cells.is_empty() {
            continue;
        }
        let word = |column: &&str| match (*column, cells.get(*column)) {
            ("restricted", Some(_)) => "restricted".to_owned(),
            (_, cell) => cell.cloned().unwrap_or_default(),
        };
        rows.entry(columns.iter().map(word).collect()).or_default().push(cells);
    }
    rows
}

/// The changes of the rows of one key. Rows that begin on the same day are the same row; of the others the first old one became
/// the first new one.
fn row_changes(name: &str, old: &[Cells], newer: &[Cells]) -> Vec<String> {
    let mut newer: Vec<&Cells> = newer.iter().collect();
    let (mut sentences, mut unmatched) = (Vec::new(), Vec::new());
    for row in old {
        match newer.iter().position(|other| start(other) == start(row)) {
            Some(at) => sentences.extend(cell_changes(name, row, newer.remove(at))),
            None => unmatched.push(row),
        }
    }
    let mut newer = newer.into_iter();
    for row in unmatched {
        match newer.next() {
            Some(other) => sentences.extend(cell_changes(name, row, other)),
            None => sentences.push(format!("{name}: removed{}", period(row))),
        }
    }
    sentences.extend(newer.map(|row| format!("{name}: added{}", period(row))));
    sentences
}

fn start(row: &Cells) -> Option<&String> {
    row.get("valid_from").or_else(|| row.get("from"))
}

fn period(row: &Cells) -> String {
    let end = row.get("valid_to").or_else(|| row.get("to")).map_or_else(String::new, |to| format!(" to {to}"));
    start(row).map_or_else(String::new, |from| format!(", from {from}{end}"))
}

fn cell_changes(name: &str, old: &Cells, newer: &Cells) -> Option<String> {
    let columns: BTreeSet<&String> = old.keys().chain(newer.keys()).collect();
    let differing = columns.into_iter().filter(|column| old.get(*column) != newer.get(*column));
    let words: Vec<String> = differing
        .map(|column| {
            if SECRETS.contains(&column.as_str()) {
                return format!("{column}: changed");
            }
            let usual = DEFAULTS.iter().find(|(name, _)| name == column).map_or("none", |(_, usual)| *usual);
            let said = |row: &Cells| row.get(column).cloned().unwrap_or_else(|| usual.to_owned());
            format!("{column}: {} -> {}", said(old), said(newer))
        })
        .collect();
    (!words.is_empty()).then(|| format!("{name}: {}", words.join("; ")))
}
