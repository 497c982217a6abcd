//! The hour cell: what is left of a series' hour once it is closed. Everything later (days, rules, spans) reads cells.

use super::book::Weighed;
use super::marks::MarkSpan;
use super::seen::Seen;
use crate::domain::number::{Ratio, exact};
use crate::domain::time::{HOUR_MS, Hour, MINUTE_MS, Moment};
use crate::domain::{FactorCode, HourClass, Medium, Origin, PacketRef, Record, RuleSet};
use crate::protocol::marker::Marker;
use crate::registry::{ConversionOrder, MarkDialect, Negative, Outlet, SeriesRow};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Converted minutes of more than this are no values; near the oxidant's own oxygen the factor has no bound.
const CROSS_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// What the register and the rule set say about one series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesRules<'r> {
    /// What.
    pub factor: FactorCode,
    /// The outlet's row.
    pub outlet: &'r Outlet,
    /// Upper end of the range of this series, and of the outlet's oxygen.
    pub range_high: Option<Decimal>,
    /// How its negatives are read.
    pub negative: Negative,
    /// Whether the series has a converted mean: its minutes are paired with the oxygen's.
    pub converts: bool,
    /// Unit of a flow series, by which a mean flow becomes a volume; none: this is no flow series.
    pub flow_unit: Option<&'r str>,
    /// The hour.
    pub hour: Hour,
    /// Marks over the hour, what outranks first.
    pub marks: &'r [MarkSpan],
    /// Figures in force.
    pub set: &'r RuleSet,
}

impl<'r> SeriesRules<'r> {
    /// The rules of a series; without a row, nothing is known of its range.
    #[must_use]
    pub fn new(
        factor: FactorCode,
        outlet: &'r Outlet,
        row: Option<&'r SeriesRow>,
        converts: bool,
        hour: Hour,
        marks: &'r [MarkSpan],
        set: &'r RuleSet,
    ) -> Self {
        let negative = row.map_or(Negative::Natural, |row| row.negative);
        let flow_unit = row.filter(|row| outlet.flow_factor == Some(row.factor)).map(|row| row.unit.as_str());
        Self { factor, outlet, range_high: row.and_then(|row| row.range_high), negative, converts, flow_unit, hour, marks, set }
    }

    /// The mark that counts for `[from, to)`: a person's, else what the logger sent, read in the outlet's dialect.
    #[must_use]
    pub fn marker(&self, sent: Marker, from: Moment, to: Moment) -> Marker {
        // A record that is longer than a minute carries a mark as soon as so much lies under it that the rest is no valid hour.
        let touched = |span: &&MarkSpan| {
            let over = to.0.min(span.to.0) - from.0.max(span.from.0);
            over > 0 && (to.0 - from.0 < HOUR_MS || over > HOUR_MS - i64::from(self.set.hour_minutes_min.value) * MINUTE_MS)
        };
        if let Some(span) = self.marks.iter().find(touched) {
            return span.marker;
        }
        match (self.outlet.marks, sent) {
            (MarkDialect::Hj75, Marker::LINK_FAULT) => Marker::BANKED_FIRE,
            (MarkDialect::Instrument, Marker::STOPPED) => Marker::INSTRUMENT_STOPPED,
            _ => sent,
        }
    }

    /// The value that enters a mean (rule 12, §4.4): small negatives count as zero, larger ones and values above the range
    /// are invalid. Worked example A23.
    #[must_use]
    pub fn used(&self, value: Decimal) -> Option<Decimal> {
        if value.is_sign_negative() && !value.is_zero() && self.negative == Negative::Drift {
            let range = self.range_high?;
            // −p % of the range <= value, without dividing.
            let edge = -(self.set.negative_drift_pct.value.checked_mul(range)?);
            return (value.checked_mul(Decimal::ONE_HUNDRED)? >= edge).then_some(Decimal::ZERO);
        }
        (self.range_high.is_none_or(|range| value <= range)).then_some(value)
    }
}

/// What the logger itself reports for the hour (CN 2061).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// `-Avg`.
    #[serde(with = "exact")]
    pub measured: Option<Decimal>,
    /// `-ZsAvg`.
    #[serde(with = "exact")]
    pub converted: Option<Decimal>,
    /// `-Cou`, as sent: m³ of a flow, kg of a gas.
    #[serde(default, with = "exact")]
    pub total: Option<Decimal>,
    /// 数据标记.
    pub marker: Marker,
}

/// One series' closed hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCell {
    /// What it was computed from.
    pub origin: Origin,
    /// Its class, without regard to its neighbours.
    pub class: HourClass,
    /// Minutes that entered the mean.
    pub valid_minutes: u32,
    /// Minutes for which something came.
    pub received_minutes: u32,
    /// A water hour: one abnormal value makes it abnormal (HJ 212-2017 Annex D.1).
    #[serde(default)]
    pub water: bool,
    /// Weight of what came and did not enter the mean.
    #[serde(default)]
    pub unused: u32,
    /// 水量 / 气量 (m³) of the hour, of a flow series.
    #[serde(default)]
    pub volume: Option<Box<Ratio>>,
    /// The totals of its records and their weight, until the hour is closed.
    #[serde(skip)]
    totals: Option<Box<Weighed>>,
    valid: Weighed,
    shadow: Weighed,
    /// Every number.
    #[serde(default)]
    every: Weighed,
    /// What was paired with oxygen; none: nothing was.
    #[serde(default)]
    pairs: Option<Box<Pairs>>,
    /// Minutes by mark, in the order of the marks.
    pub marked: Vec<(Marker, u32)>,
    /// The logger sends converted values only: there is no measured mean.
    #[serde(default)]
    pub converted_only: bool,
    /// Records without a measured value, until the hour is closed: alone they are the hour, beside measured ones they are unused.
    #[serde(skip)]
    converted: Option<Box<Converted>>,
    /// Smallest value used.
    #[serde(with = "exact")]
    pub min: Option<Decimal>,
    /// Largest value used.
    #[serde(with = "exact")]
    pub max: Option<Decimal>,
    /// Most decimals that the logger wrote.
    pub decimals: u8,
    /// What the logger reports.
    pub reported: Option<Box<Reported>>,
    /// The packet of the largest value used.
    pub peak: Option<PacketRef>,
    /// First and last sequence of the packets in it.
    pub sequences: Option<(u64, u64)>,
    /// What rules look at.
    #[serde(default)]
    pub seen: Seen,
}

/// The converted hour (rules 5 and 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    /// A value that counts.
    Value(Ratio),
    /// Computed, but oxygen is so high that it counts only where the register says so.
    LowConfidence(Ratio),
    /// Oxygen too high: no value.
    NotConverted,
    /// Too few minutes with valid oxygen.
    NoOxygen,
    /// The outlet converts nothing, or the measured hour is not valid.
    None,
}

impl Conversion {
    /// The name of a state that carries no full value.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        match self {
            Self::Value(_) | Self::None => None,
            Self::LowConfidence(_) => Some("low_confidence"),
            Self::NotConverted => Some("not_converted"),
            Self::NoOxygen => Some("no_oxygen"),
        }
    }
}

impl HourCell {
    pub(super) fn new(origin: Origin, received_minutes: u32) -> Self {
        let none = Weighed::default();
        Self {
            origin,
            class: HourClass::Missing,
            valid_minutes: 0,
            received_minutes,
            water: false,
            unused: 0,
            volume: None,
            totals: None,
            valid: none,
            shadow: none,
            every: none,
            pairs: None,
            marked: Vec::new(),
            converted_only: false,
            converted: None,
            min: None,
            max: None,
            decimals: 0,
            reported: None,
            peak: None,
            sequences: None,
            seen: Seen::default(),
        }
    }

    /// Takes one record of `weight` minutes (or one sample).
    pub(super) fn take(&mut self, record: &Record, marker: Marker, weight: u32, rules: &SeriesRules<'_>) {
        let sequence = record.from.sequence;
        self.sequences = Some(self.sequences.map_or((sequence, sequence), |(first, last)| (first.min(sequence), last.max(sequence))));
        match self.marked.binary_search_by_key(&marker, |(known, _)| *known) {
            Ok(at) => self.marked[at].1 += weight,
            Err(at) => self.marked.insert(at, (marker, weight)),
        }
        if let Some(total) = record.total.filter(|_| rules.flow_unit.is_some() && is_normal(marker)) {
            let totals = self.totals.get_or_insert_default();
            totals.sum.add(total, 1);
            totals.weight += weight;
        }
        let is_measured = record.measured.is_some();
        let Some(value) = record.measured.or(record.converted) else {
            self.unused += if is_normal(marker) { 0 } else { weight };
            return;
        };
        self.decimals = self.decimals.max(value.scale() as u8);
        self.every.add(value, weight);
        if !matches!(
            marker,
            Marker::CALIBRATION | Marker::SET | Marker::STOPPED | Marker::INSTRUMENT_STOPPED | Marker::LINK_FAULT | Marker::BANKED_FIRE
        ) {
            // What is over the range is at least the range's end.
            let shadow = if marker == Marker::OVER_RANGE { rules.range_high.unwrap_or(value) } else { value };
            self.shadow.add(shadow, weight);
        }
        let Some(used) = used(marker, value, rules) else {
            self.unused += weight;
            return;
        };
        if !is_measured {
            return self.converted.get_or_insert_default().take(used, weight, record.from);
        }
        self.valid.add(used, weight);
        self.valid_minutes += weight;
        self.min = Some(self.min.map_or(used, |min| min.min(used)));
        if self.max.is_none_or(|max| used > max) {
            self.max = Some(used);
            self.peak = Some(record.from);
        }
    }

    /// Pairs a valid record with the oxygen of the same period.
    pub(super) fn pair(&mut self, record: &Record, marker: Marker, oxygen: Option<(&Record, Marker)>, weight: u32, rules: &SeriesRules<'_>) {
        let Some(reference) = rules.outlet.reference_oxygen.filter(|_| rules.converts) else { return };
        let value = record.measured.and_then(|value| used(marker, value, rules));
        let oxygen = oxygen.filter(|(_, marker)| is_normal(*marker)).and_then(|(oxygen, _)| oxygen.measured);
        let (Some(value), Some(oxygen)) = (value, oxygen.filter(|oxygen| !oxygen.is_sign_negative())) else { return };
        let pairs = self.pairs.get_or_insert_default();
        pairs.value.add(value, weight);
        pairs.oxygen.add(oxygen, weight);
        let rest = rules.outlet.oxidant_oxygen - oxygen;
        if oxygen < rules.set.oxygen_not_converted_pct.value
            && rest > Decimal::ZERO
            && let Some(converted) = value.checked_mul(rules.outlet.oxidant_oxygen - reference).and_then(|value| value.checked_div(rest))
            && converted < CROSS_MAX
        {
            pairs.cross.add(converted.round_dp(6), weight);
            if let Some(said) = record.converted {
                pairs.said.add(said, weight);
            }
        }
    }

    /// Samples cover seconds: turns their counts into minutes.
    pub(super) fn samples_to_minutes(&mut self, interval_secs: u32) {
        let minutes = |count: u32| (count * interval_secs / 60).min(60);
        self.valid_minutes = minutes(self.valid_minutes);
        if let Some(converted) = &mut self.converted {
            converted.minutes = minutes(converted.minutes);
        }
        for (_, count) in &mut self.marked {
            *count = minutes(*count);
        }
    }

    /// Minutes under a mark.
    #[must_use]
    pub fn minutes_marked(&self, marker: Marker) -> u32 {
        self.marked.iter().find(|(known, _)| *known == marker).map_or(0, |(_, minutes)| *minutes)
    }

    /// Whether the hour is valid (rule 3).
    #[must_use]
    pub fn is_valid(&self, set: &RuleSet) -> bool {
        if self.water { self.valid.weight > 0 && self.unused == 0 } else { self.valid_minutes >= set.hour_minutes_min.value }
    }

    /// The class beside a neighbour that stops or does not (§2.2).
    #[must_use]
    pub fn class(&self, neighbour_stops: bool, set: &RuleSet) -> HourClass {
        let stopped = self.minutes_marked(Marker::STOPPED);
        if !self.water {
            return classify(self.valid_minutes, stopped, self.received_minutes, neighbour_stops, set);
        }
        // A water analyser gives one value an hour or less: what came stands for the whole hour.
        let whole = |is: bool| if is { 60 } else { 0 };
        classify(whole(self.is_valid(set)), stopped, whole(self.received_minutes > 0), neighbour_stops, set)
    }

    /// Closes the sums: what a flow series let through in the hour, m³.
    pub(super) fn close(&mut self, rules: &SeriesRules<'_>) {
        let converted = self.converted.take().unwrap_or_default();
        if converted.valid.weight > 0 && self.valid.weight == 0 {
            self.converted_only = true;
            (self.valid, self.valid_minutes) = (converted.valid, converted.minutes);
            (self.min, self.max, self.peak) = (converted.min, converted.max, converted.peak);
        } else {
            self.unused += converted.valid.weight;
        }
        self.water = rules.outlet.medium == Medium::Water;
        self.class = self.class(false, rules.set);
        let Some(unit) = rules.flow_unit else { return };
        // Totals count where every valid record has one: a sixth of the totals is not the hour's volume.
        let volume = match self.totals.take() {
            Some(totals) if totals.weight >= self.valid.weight => Some(totals.sum.exact()),
            _ => self.partial_mean().and_then(|mean| Some(mean.times(&hourly(unit)?))),
        };
        self.volume = volume.map(Box::new);
    }

    /// The mean of what is valid, enough or not.
    #[must_use]
    pub fn partial_mean(&self) -> Option<Ratio> {
        self.valid.mean()
    }

    /// The measured hourly mean (rule 4). A logger that reports the converted hour only has none.
    #[must_use]
    pub fn measured(&self, set: &RuleSet) -> Option<Ratio> {
        if self.converted_only || !self.is_valid(set) { None } else { self.partial_mean() }
    }

    /// The mean of all numbers whatever their mark, but those of calibration, set values, stops and broken links (§3.2).
    #[must_use]
    pub fn shadow(&self) -> Option<Ratio> {
        self.shadow.mean()
    }

    /// Minutes of numbers under any mark that the shadow holds.
    #[must_use]
    pub fn shadow_minutes(&self) -> u32 {
        self.shadow.weight
    }

    /// The mean of the numbers that the shadow holds and the mean does not: what stood under marks.
    #[must_use]
    pub fn hidden(&self) -> Option<Ratio> {
        let weight = self.shadow.weight.checked_sub(self.valid.weight).filter(|weight| *weight > 0)?;
        self.shadow.sum.exact().minus(&self.valid.sum.exact()).divided(&Ratio::whole(i64::from(weight)))
    }

    /// The converted values as the logger sent them beside those that follow from its measured ones: both means, where every
    /// paired record has both.
    #[must_use]
    pub fn said_converted(&self) -> Option<(Ratio, Ratio)> {
        let Pairs { said, cross, .. } = **self.pairs.as_ref()?;
        let whole = said.weight > 0 && said.weight == cross.weight;
        whole.then(|| Some((said.mean()?, cross.mean()?))).flatten()
    }

    /// Mean oxygen over the paired minutes.
    #[must_use]
    pub fn oxygen(&self) -> Option<Ratio> {
        self.pairs.as_ref()?.oxygen.mean()
    }

    /// What the converted hour is made of.
    fn conversion(&self, outlet: &Outlet, set: &RuleSet) -> Made {
        let Some(reference) = outlet.reference_oxygen.filter(|_| self.is_valid(set)) else { return Made::Nothing };
        if self.converted_only {
            return Made::Mean(self.valid);
        }
        let pairs = self.pairs.as_deref().copied().unwrap_or_default();
        if outlet.conversion == ConversionOrder::MinutesFirst && pairs.cross.weight > 0 && self.origin != Origin::Reported {
            return if self.minutes_of(pairs.cross) >= set.hour_minutes_min.value { Made::Mean(pairs.cross) } else { Made::NoOxygen };
        }
        // The logger's own converted hour, where nothing of ours can be computed.
        if let (Origin::Reported, Some(Reported { converted: Some(converted), .. })) = (self.origin, self.reported.as_deref()) {
            return Made::Sent(*converted);
        }
        let enough = self.minutes_of(pairs.value) >= set.hour_minutes_min.value;
        if enough && pairs.value.weight > 0 { Made::Pairs(reference, pairs) } else { Made::NoOxygen }
    }

    /// The valid measured hour to six decimals, for rules.
    #[must_use]
    pub fn measured_rounded(&self, set: &RuleSet) -> Option<Decimal> {
        if self.converted_only || !self.is_valid(set) { None } else { self.valid.sum.mean_rounded(self.valid.weight, 6) }
    }

    /// The converted hour to six decimals, for rules; none where oxygen is so high that it does not count.
    #[must_use]
    pub fn converted_rounded(&self, outlet: &Outlet, set: &RuleSet) -> Option<Decimal> {
        let (reference, pairs) = match self.conversion(outlet, set) {
            Made::Nothing | Made::NoOxygen => return None,
            Made::Mean(of) => return of.sum.mean_rounded(of.weight, 6),
            Made::Sent(converted) => return Some(converted),
            Made::Pairs(reference, pairs) => (reference, pairs),
        };
        let oxygen = pairs.oxygen.sum.mean_rounded(pairs.oxygen.weight, 12)?;
        let high = if outlet.low_confidence_counts { set.oxygen_not_converted_pct.value } else { set.oxygen_low_confidence_pct.value };
        let rest = Some(outlet.oxidant_oxygen - oxygen).filter(|rest| oxygen < high && *rest > Decimal::ZERO)?;
        let value = pairs.value.sum.mean_rounded(pairs.value.weight, 12)?;
        let converted = value.checked_mul(outlet.oxidant_oxygen - reference)?.checked_div(rest)?;
        Some(converted.round_dp(6).normalize())
    }

    /// The mean of every number of the hour, whatever its mark, to six decimals.
    #[must_use]
    pub fn every_rounded(&self) -> Option<Decimal> {
        let of = if self.every.weight > 0 { self.every } else { self.valid };
        of.sum.mean_rounded(of.weight, 6)
    }

    /// The converted hour: the mean first, then the conversion (rule 5).
    #[must_use]
    pub fn converted(&self, outlet: &Outlet, set: &RuleSet) -> Conversion {
        let (reference, pairs) = match self.conversion(outlet, set) {
            Made::Nothing => return Conversion::None,
            Made::NoOxygen => return Conversion::NoOxygen,
            Made::Mean(of) => return of.mean().map_or(Conversion::None, Conversion::Value),
            Made::Sent(converted) => return Conversion::Value(Ratio::of(converted)),
            Made::Pairs(reference, pairs) => (reference, pairs),
        };
        let (Some(value), Some(oxygen)) = (pairs.value.mean(), pairs.oxygen.mean()) else { return Conversion::NoOxygen };
        if oxygen >= Ratio::of(set.oxygen_not_converted_pct.value) {
            return Conversion::NotConverted;
        }
        let oxidant = Ratio::of(outlet.oxidant_oxygen);
        let rest = oxidant.minus(&oxygen);
        let numerator = value.times(&oxidant.minus(&Ratio::of(reference)));
        match numerator.divided(&rest) {
            Some(_) if rest.is_negative() => Conversion::NotConverted,
            None => Conversion::NotConverted,
            Some(converted) if oxygen >= Ratio::of(set.oxygen_low_confidence_pct.value) => Conversion::LowConfidence(converted),
            Some(converted) => Conversion::Value(converted),
        }
    }

    /// Minutes of what was paired. Samples count as the share of the valid minutes that their pairs make up.
    fn minutes_of(&self, paired: Weighed) -> u32 {
        (self.valid_minutes * paired.weight).checked_div(self.valid.weight).unwrap_or(0)
    }

    /// The mean of the converted minutes, to six decimals: the other order of conversion, for comparison only.
    #[must_use]
    pub fn cross_check(&self) -> Option<Decimal> {
        self.pairs.as_ref()?.cross.mean().and_then(|mean| mean.rounded(6).parse().ok())
    }
}

/// Values beside the oxygen of the same period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Pairs {
    value: Weighed,
    oxygen: Weighed,
    /// Converted one by one.
    cross: Weighed,
    /// Converted values as sent, over the records of `cross`.
    said: Weighed,
}

/// What a converted hour is made of.
enum Made {
    Nothing,
    NoOxygen,
    /// The mean of values that are converted already.
    Mean(Weighed),
    /// The logger's own.
    Sent(Decimal),
    /// The means of pairs of value and oxygen, at this reference oxygen.
    Pairs(Decimal, Pairs),
}

/// What came of records that hold a converted value only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Converted {
    valid: Weighed,
    minutes: u32,
    min: Option<Decimal>,
    max: Option<Decimal>,
    peak: Option<PacketRef>,
}

impl Converted {
    fn take(&mut self, value: Decimal, weight: u32, from: PacketRef) {
        self.valid.add(value, weight);
        self.minutes += weight;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        if self.max.is_none_or(|max| value > max) {
            (self.max, self.peak) = (Some(value), Some(from));
        }
    }
}

/// Marks under which a value counts: `N`, or none.
fn is_normal(marker: Marker) -> bool {
    matches!(marker, Marker::NORMAL | Marker::ABSENT)
}

fn used(marker: Marker, value: Decimal, rules: &SeriesRules<'_>) -> Option<Decimal> {
    is_normal(marker).then(|| rules.used(value)).flatten()
}

/// What a mean flow of this unit lets through in an hour: m³ per unit.
fn hourly(unit: &str) -> Option<Ratio> {
    match unit.to_ascii_lowercase().as_str() {
        "m3/h" | "m³/h" => Some(Ratio::whole(1)),
        "m3/s" | "m³/s" => Some(Ratio::whole(3600)),
        "l/s" => Ratio::whole(3600).divided(&Ratio::whole(1000)),
        _ => None,
    }
}

/// The class of an hour (§2.2, worked example A24): `n` valid minutes, `f` minutes marked F, `received` minutes of anything.
#[must_use]
pub fn classify(n: u32, f: u32, received: u32, neighbour_stops: bool, set: &RuleSet) -> HourClass {
    let enough = set.hour_minutes_min.value;
    if n >= enough {
        HourClass::Valid
    } else if f >= enough {
        HourClass::Stop
    } else if f > set.stop_edge_minutes.value && neighbour_stops {
        HourClass::StopEdge
    } else if received < enough {
        HourClass::Missing
    } else {
        HourClass::Invalid
    }
}
