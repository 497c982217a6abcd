//! Months and quarters: validity, means, capture and transmission rates (§2, §7; worked examples A12, A13, A15, A25).

use crate::domain::number::Ratio;
use crate::domain::{HourClass, Mean, RuleSet};
use serde::Serialize;

/// A month's mean of one series and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthMean {
    /// Valid days.
    pub valid_days: u32,
    /// Days that make the month valid.
    pub needed: u32,
    /// Whether there are enough.
    pub valid: bool,
    /// Mean of the valid day means; weighted by their volumes where every one of them has one.
    pub mean: Option<Ratio>,
    /// Whether it was weighted.
    pub weighted: bool,
}

/// The mean of a month from its day means, valid or not. `month` is 1 to 12.
#[must_use]
pub fn mean<'m>(days: impl IntoIterator<Item = &'m Mean>, month: u32, set: &RuleSet) -> MonthMean {
    let valid: Vec<&Mean> = days.into_iter().filter(|mean| mean.valid && mean.value.is_some()).collect();
    let needed = if month == 2 { set.month_days_min_february.value } else { set.month_days_min.value };
    let values: Vec<&Ratio> = valid.iter().filter_map(|mean| mean.value.as_ref()).collect();
    let volumes: Vec<&Ratio> = valid.iter().filter_map(|mean| mean.volume.as_ref()).collect();
    let weighted = !values.is_empty() && volumes.len() == values.len();
    let mean = if weighted {
        let load: Vec<Ratio> = values.iter().zip(&volumes).map(|(value, volume)| value.times(volume)).collect();
        Ratio::sum(&load).divided(&Ratio::sum(volumes))
    } else {
        Ratio::mean(values)
    };
    let valid_days = valid.len() as u32;
    MonthMean { valid_days, needed, valid: valid_days >= needed, mean, weighted }
}

/// Hours of a period by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hours {
    /// All hours of the period.
    pub all: u32,
    /// Hours for which something came.
    pub received: u32,
    /// 有效.
    pub valid: u32,
    /// 停运, edges included.
    pub stop: u32,
    /// 无效 and 缺失.
    pub invalid: u32,
}

impl Hours {
    /// Counts one hour.
    pub fn count(&mut self, class: HourClass) {
        self.all += 1;
        self.received += u32::from(class != HourClass::Missing);
        match class {
            HourClass::Valid => self.valid += 1,
            HourClass::Stop | HourClass::StopEdge => self.stop += 1,
            HourClass::Missing | HourClass::Invalid => self.invalid += 1,
        }
    }
}

/// 有效数据捕集率 (%): (H − invalid − stop) / (H − stop); none of a period that stopped throughout.
#[must_use]
pub fn capture_rate(all: u32, invalid: u32, stop: u32) -> Option<Ratio> {
    percent(all.checked_sub(invalid + stop)?, all - stop)
}

/// Whether a capture rate passes.
#[must_use]
pub fn capture_passes(rate: &Ratio, set: &RuleSet) -> bool {
    *rate >= Ratio::whole(i64::from(set.capture_pass_pct.value))
}

/// 有效传输率 in both readings of the validity rate (§7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transmission {
    /// 传输率 T = received / expected, %.
    pub transmitted: Ratio,
    /// V = valid / expected, %: the default.
    pub valid_of_expected: Ratio,
    /// E = T × V by the default.
    pub effective: Ratio,
    /// V = valid / received, %: the other reading.
    pub valid_of_received: Option<Ratio>,
    /// E by the other reading.
    pub effective_of_received: Option<Ratio>,
    /// Whether the default reaches the figure in force.
    pub passes: bool,
}

/// The effective transmission rate. Stopped hours, and a water outlet's check hour of each day, are not expected.
#[must_use]
pub fn transmission(expected: u32, received: u32, valid: u32, set: &RuleSet) -> Option<Transmission> {
    let hundredth = |one: &Ratio, other: &Ratio| one.times(other).divided(&Ratio::whole(100));
    let transmitted = percent(received, expected)?;
    let valid_of_expected = percent(valid, expected)?;
    let effective = hundredth(&transmitted, &valid_of_expected)?;
    let valid_of_received = percent(valid, received);
    let effective_of_received = valid_of_received.as_ref().and_then(|valid| hundredth(&transmitted, valid));
    let passes = effective >= Ratio::whole(i64::from(set.transmission_pass_pct.value));
    Some(Transmission { transmitted, valid_of_expected, effective, valid_of_received, effective_of_received, passes })
}

/// Share (%) of a month's valid hours within the limit, and whether it suffices where the 95 % rule is in force (§10).
#[must_use]
pub fn within(valid: u32, above: u32, set: &RuleSet) -> Option<(Ratio, bool)> {
    let share = percent(valid.checked_sub(above)?, valid)?;
    let passes = share >= Ratio::whole(i64::from(set.month_within_pct.value));
    Some((share, passes))
}

fn percent(part: u32, of: u32) -> Option<Ratio> {
    Ratio::whole(i64::from(part) * 100).divided(&Ratio::whole(i64::from(of)))
}
