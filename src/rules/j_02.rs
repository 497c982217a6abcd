//! J-02 日均值超标: a valid daily mean over a limit whose basis is the day.
//!
//! Inputs: the day's means, the limit rows in force on that day. Strictly above (or below, for a minimum); equal complies.
//! The comparison is between exact fractions, by cross-multiplication. Event time: the order of arrival changes nothing.
//! Not evaluable: no valid day (gas: fewer than 20 valid hours; water: less than 75 % of the due cycles, or no discharge), no
//! converted mean where the limit wants one, or a water day without any flow to weigh it by.
//! A bracketed limit, `5(8)`, is in force at a water temperature of 12 °C or less; without a temperature the stricter figure
//! stands, and the finding says so (worked example A22).

use super::rule::{Refer, Rule, Run, TimeBase};
use crate::domain::number::Ratio;
use crate::domain::{CaseKind, Confidence, Grade, Kind, Limit, LimitType, Mean, Medium, RuleId, RuleSet, Severity, Source, number};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-02"),
    title: ("日均超标", "Daily exceedance"),
    inputs: &["valid daily mean", "limit(basis=day)"],
    condition: "value > limit (strict)",
    figures: &[],
    window: "1 d",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "GB 18485 and MEE Order 10; GB 18918 daily mean",
    grade: Grade::P,
    kind: CaseKind::Exceedance,
    refer: Refer::Alone,
    run: Run::Limits,
};

/// Where the rule comes from.
#[must_use]
pub fn source(medium: Medium) -> Source {
    let text = match medium {
        Medium::Gas => "GB 18485-2014 with MEE Order 10 (natural day); GB 18484-2020 9.3: the valid daily mean decides",
        Medium::Water => "GB 18918-2002 table 1 and 4.1.4.2, GB 8978-1996 5.2: daily means; weights and validity by HJ 356-2019, recalled",
    };
    Source { text: text.to_owned(), grade: Grade::P }
}

/// How a value stands to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// At full precision (全数值比较法).
    pub exceeds: bool,
    /// It exceeds, but rounding half to even to the limit's decimals clears it (GB/T 8170-2008): 临界.
    pub marginal: bool,
    /// 超标倍数 = C/L − 1; none for a minimum or a limit of zero.
    pub multiple: Option<Ratio>,
}

/// Compares a value with a limit row (rule 14; worked examples A04, A14, A21).
///
/// # Panics
/// When the row's figure is no number, which the register has refused.
#[must_use]
pub fn compare(value: &Ratio, limit: &Limit) -> Comparison {
    compare_with(value, limit.limit_type, &limit.limit)
}

pub(super) fn compare_with(value: &Ratio, limit_type: LimitType, figure: &str) -> Comparison {
    let figure = number::parse(figure).expect("the register takes no limit that is no number");
    let bound = Ratio::of(figure);
    let beyond = |value: &Ratio| match limit_type {
        LimitType::Max => *value > bound,
        LimitType::Min => *value < bound,
    };
    let exceeds = beyond(value);
    let rounded = number::parse(&value.rounded(figure.scale())).map(Ratio::of);
    let marginal = exceeds && rounded.is_ok_and(|rounded| !beyond(&rounded));
    let multiple = match limit_type {
        LimitType::Max => value.divided(&bound).map(|times| times.minus(&Ratio::whole(1))),
        LimitType::Min => None,
    };
    Comparison { exceeds, marginal, multiple }
}

/// One limit row judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement<'m> {
    /// The mean that decided.
    pub mean: &'m Mean,
    /// The row.
    pub limit: &'m Limit,
    /// Its figure in force on that day.
    pub figure: &'m str,
    /// Why this figure, where the row has two.
    pub figure_note: Option<&'static str>,
    /// The result.
    pub comparison: Comparison,
}

/// What came of a limit row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'m> {
    /// It could be judged.
    Judged(Judgement<'m>),
    /// It could not; names the missing input.
    NotEvaluable(&'static str),
}

/// The figure of a limit row at a water temperature (daily mean, °C), and why.
#[must_use]
pub fn figure<'l>(limit: &'l Limit, temperature: Option<&Ratio>, set: &RuleSet) -> (&'l str, Option<&'static str>) {
    match (&limit.cold, temperature) {
        (None, _) => (&limit.limit, None),
        (Some(cold), Some(temperature)) if *temperature <= Ratio::of(set.water_cold_c.value) => (cold, Some("cold_water")),
        (Some(_), Some(_)) => (&limit.limit, Some("warm_water")),
        (Some(_), None) => (&limit.limit, Some("no_water_temperature_stricter_figure")),
    }
}

/// The figure of a limit row in an hour, at the water's temperature in it (°C): where that is not known to be warm, the milder one.
#[must_use]
pub fn figure_of_hour<'l>(limit: &'l Limit, temperature: Option<&Ratio>, set: &RuleSet) -> &'l str {
    let warm = temperature.is_some_and(|temperature| *temperature > Ratio::of(set.water_cold_c.value));
    limit.cold.as_deref().filter(|_| !warm).unwrap_or(&limit.limit)
}

/// Judges one limit row of basis day against a day's means of its factor.
#[must_use]
pub fn judge<'m>(means: &'m [Mean], limit: &'m Limit, temperature: Option<&Ratio>, set: &RuleSet) -> Outcome<'m> {
    let kind = if limit.converted { Kind::Converted } else { Kind::Measured };
    let Some(mean) = means.iter().find(|mean| mean.kind == kind) else { return Outcome::NotEvaluable("daily mean") };
    if mean.note.as_deref() == Some("unweighted") {
        return Outcome::NotEvaluable("flow-weighted daily mean");
    }
    match (&mean.value, mean.valid) {
        (Some(value), true) => {
            let (figure, figure_note) = figure(limit, temperature, set);
            let comparison = compare_with(value, limit.limit_type, figure);
            Outcome::Judged(Judgement { mean, limit, figure, figure_note, comparison })
        }
        _ => Outcome::NotEvaluable("a valid day"),
    }
}

/// How grave an exceedance is: marginal ones want a person's eye before they want a case.
#[must_use]
pub fn severity(comparison: &Comparison) -> Severity {
    if comparison.marginal { Severity::Warn } else { Severity::Critical }
}

/// The sentence for a letter, Chinese and English.
#[must_use]
pub fn sentence(outlet: (&str, &str), factor: (&str, &str), medium: Medium, day: &str, judgement: &Judgement<'_>) -> (String, String) {
    let Judgement { mean, limit, comparison, figure, figure_note } = judgement;
    let value = mean.value.as_ref().map(Ratio::shown).unwrap_or_default();
    let kind = match mean.kind {
        Kind::Converted => ("折算", "converted "),
        Kind::Measured => ("", ""),
    };
    let side = match (comparison.exceeds, limit.limit_type) {
        (true, LimitType::Max) => ("超过", "above"),
        (true, LimitType::Min) => ("低于", "below"),
        (false, _) => ("符合", "within"),
    };
    let times = comparison
        .multiple
        .as_ref()
        .filter(|_| comparison.exceeds)
        .map(|multiple| (format!("，超标{}倍", multiple.shown()), format!(", {} times over", multiple.shown())))
        .unwrap_or_default();
    let marginal = if comparison.marginal { ("（按修约规则处于临界）", " (marginal once rounded)") } else { ("", "") };
    let basis = match medium {
        Medium::Gas => (format!("有效小时数{}", mean.count), format!("{} valid hours", mean.count)),
        Medium::Water => {
            let how = match (&mean.volume, mean.beside.iter().any(|beside| beside.name == "median")) {
                (Some(_), _) => ("，流量加权", ", weighted by flow"),
                (None, true) => ("，按氢离子浓度平均", ", mean of the hydrogen ions"),
                (None, false) => ("", ""),
            };
            (format!("有效数据{}个，应有{}个{}", mean.count, mean.due, how.0), format!("{} of {} due values{}", mean.count, mean.due, how.1))
        }
    };
    let why = match figure_note {
        Some("cold_water") => ("（水温不高于12℃，执行括号内数值）", " (the bracketed figure, at a water temperature of 12 °C or less)"),
        Some("no_water_temperature_stricter_figure") => {
            ("（无水温数据，按较严数值判定）", " (the stricter figure, as no water temperature was received)")
        }
        _ => ("", ""),
    };
    let zh = format!(
        "{}，{}{}{}日均值为{}{}（{}），{}{}规定的日均限值{}{}{}{}{}。",
        day, outlet.0, factor.0, kind.0, value, limit.unit, basis.0, side.0, limit.standard, figure, limit.unit, why.0, times.0, marginal.0
    );
    let en = format!(
        "On {} the {}daily mean of {} at {} was {} {} ({}), {} the daily limit of {} {} of {}{}{}{}.",
        day, kind.1, factor.1, outlet.1, value, limit.unit, basis.1, side.1, figure, limit.unit, limit.standard, why.1, times.1, marginal.1
    );
    (zh, en)
}
