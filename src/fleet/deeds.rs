//! Deeds: what befalls an outlet and what people do to its data, honest or not. Each is one line of a scenario: what, to which
//! factors, when. A deed is a plain value; `weather` lets it bend the values and `logger` the packets.
//!
//! Deeds bend in this order, and those of one kind in the order of the plan: the plant itself, what the instrument shows, the
//! marks, what the logger makes of it, what is sent.

use crate::domain::time::{DAY_MS, MINUTE_MS, Moment};

const DAY_MINUTES: i64 = DAY_MS / MINUTE_MS;
/// A flue cools and warms, dries and grows damp, so many times slower than the load goes down and up.
const INERTIA: i64 = 4;

/// When a deed holds, half-open: `from` belongs to it, `to` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// First instant.
    pub from: Moment,
    /// First instant after it.
    pub to: Moment,
    /// Only in this part of each day, in minutes from midnight; an end that is not after its beginning lies in the next day.
    pub daily: Option<(i64, i64)>,
}

impl When {
    /// The unbroken span that holds an instant; none: the deed does not hold then.
    #[must_use]
    pub fn span(&self, at: Moment) -> Option<(Moment, Moment)> {
        if at < self.from || self.to <= at {
            return None;
        }
        let Some((begin, end)) = self.daily else { return Some((self.from, self.to)) };
        let midnight = at.day().start();
        let minute = (at.0 - midnight.0).div_euclid(MINUTE_MS);
        let (begin, end) = match (begin < end, begin <= minute, minute < end) {
            (true, true, true) => (begin, end),
            (false, true, _) => (begin, end + DAY_MINUTES),
            (false, false, true) => (begin - DAY_MINUTES, end),
            _ => return None,
        };
        let instant = |minute: i64| midnight.plus_ms(minute * MINUTE_MS);
        Some((instant(begin).max(self.from), instant(end).min(self.to)))
    }

    /// Where its spans end.
    pub(super) fn ends(&self) -> Vec<Moment> {
        let (mut ends, mut at) = (Vec::new(), self.from);
        while at < self.to {
            let end = self.span(at).map(|(_, end)| end);
            ends.extend(end);
            at = end.unwrap_or_else(|| at.plus_ms(MINUTE_MS));
        }
        ends
    }

    /// When the next span begins, if that is at most so far off.
    fn coming(&self, at: Moment, within_ms: i64) -> Option<Moment> {
        let (from, _) = if self.daily.is_some() { self.span(at.plus_ms(within_ms))? } else { (self.from, self.to) };
        (at < from && from.0 - at.0 <= within_ms).then_some(from)
    }

    /// The last span, if it ended less than so long ago.
    fn gone(&self, at: Moment, within_ms: i64) -> Option<(Moment, Moment)> {
        let (from, to) = if self.daily.is_some() { self.span(at.plus_ms(-within_ms))? } else { (self.from, self.to) };
        (to <= at && at.0 - to.0 < within_ms).then_some((from, to))
    }
}

/// What somebody does, or what happens, at one outlet.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Where: an outlet that has a plant in the scenario.
    pub outlet: String,
    /// 2017 codes of the factors it is about; none: all of the outlet.
    pub factors: Vec<String>,
    /// When.
    pub when: When,
    /// What.
    pub kind: DeedKind,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum DeedKind {
    /// The plant runs at a share of its load: at 0 it stands still, and everything goes to its rest. Daily spans are longer than four
    /// times each of their ramps.
    Load {
        /// 0 to 1.
        share: f64,
        /// How long it takes to come down, before the span.
        down_ms: i64,
        /// How long it takes to come up again, after it.
        up_ms: i64,
    },
    /// Nothing flows.
    NoFlow,
    /// The load wanders, and every outlet that names the same word wanders in step: lines of one plant, plants of one grid. Temperature
    /// and moisture are too slow for it.
    Follow {
        /// The word.
        load: String,
        /// How far it carries the values, as a share of them.
        share: f64,
    },
    /// The true value rises, or falls.
    Rise {
        /// By how much.
        times: f64,
        /// How long it takes to rise, in the beginning of the span.
        up_ms: i64,
        /// How long it takes to fall again, at its end.
        down_ms: i64,
    },
    /// The true value rises in the first minutes of each hour, as a stoked furnace's does.
    Stoking {
        /// How many.
        minutes: u8,
        /// By how much.
        times: f64,
    },
    /// The sensor drifts evenly.
    Drift {
        /// What it shows too much at the end.
        by: f64,
    },
    /// The value of the first moment stands still.
    Hold {
        /// Chance moves it by so large a share; 0: not at all.
        tremble: f64,
    },
    /// One value is shown.
    Fix {
        /// Which.
        value: f64,
    },
    /// What is shown is multiplied.
    Times {
        /// By how much.
        times: f64,
    },
    /// What is shown is moved.
    Shift {
        /// By how much.
        by: f64,
    },
    /// Nothing higher is shown.
    Cap {
        /// Than this.
        most: f64,
    },
    /// What lies above a figure is shown as chance a little below it.
    Tuck {
        /// The figure.
        under: f64,
        /// How far below at most, as a share of it.
        reach: f64,
    },
    /// The instrument draws in so large a share of another gas.
    Dilute {
        /// 0 to 1.
        share: f64,
        /// Which gas.
        gas: Gas,
    },
    /// What is shown moves less about its usual height.
    Smooth {
        /// The share of its movement that is taken away.
        by: f64,
    },
    /// Chance about a figure, without memory.
    Random {
        /// The figure.
        mean: f64,
        /// How far from it at most, as a share of it.
        spread: f64,
    },
    /// A smooth curve.
    Formula {
        /// Its middle.
        mean: f64,
        /// How far it goes up and down.
        amplitude: f64,
        /// How long it takes to come round.
        period_ms: i64,
    },
    /// What another instrument of the outlet shows, brought to this one's usual height.
    OneSignal {
        /// The other's factor.
        of: String,
    },
    /// What another outlet's instrument shows while nothing befalls it there. Both outlets give the factor the same plan.
    Copy {
        /// The other outlet.
        of: String,
        /// How long before.
        shift_ms: i64,
        /// It is multiplied.
        times: f64,
    },
    /// What the instrument showed so long before.
    Replay {
        /// How long.
        ago_ms: i64,
    },
    /// The last digit of a mean is one of those that the writer likes.
    Digits {
        /// These.
        of: String,
    },
    /// The instrument knows multiples of this only, with however many decimals the logger writes them.
    Round {
        /// The step.
        to: f64,
    },
    /// Marked `C`.
    Calibration {
        /// Zero gas in the first half of the span, span gas in the second; else the stack goes on being measured.
        shape: bool,
    },
    /// Marked.
    Mark {
        /// `M`, `D`, `F` …
        marker: String,
    },
    /// Marked as soon as a factor is above a figure (converted, where it is converted).
    MarkAbove {
        /// Which factor.
        of: String,
        /// The figure.
        limit: f64,
        /// The mark.
        marker: String,
    },
    /// Converted values are multiplied.
    Convert {
        /// By how much.
        times: f64,
    },
    /// Masses are multiplied.
    Total {
        /// By how much.
        times: f64,
    },
    /// Hour records say another mean than the minutes do.
    Hour {
        /// By how much.
        times: f64,
    },
    /// Hour records carry this mark whatever their minutes carry.
    HourMark {
        /// The mark.
        marker: String,
    },
    /// Day records say another mean than the hours do.
    Day {
        /// By how much.
        times: f64,
    },
    /// The factor is left out of the packets.
    Omit,
    /// Without power: there are no records of this time, and none is sent in it.
    Off,
    /// Minute and hour records in which a factor is above a figure are never sent.
    DropAbove {
        /// Which factor.
        of: String,
        /// The figure.
        limit: f64,
    },
    /// Minute and hour records of this time are sent once more, later and changed.
    Again {
        /// How long after they were due.
        after_ms: i64,
        /// Values are multiplied.
        times: f64,
        /// What was normal carries this mark now.
        marker: Option<String>,
    },
    /// A parameter of the factors' instrument is uploaded (CN 3020), once, at the first instant.
    Parameter {
        /// Annex B.10 code: `i13007` intercept, `i13008` slope, `i13001` range.
        id: String,
        /// As written.
        value: String,
    },
}

/// A gas that a sampling line can be given instead of smoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gas {
    /// Air, nearly dry.
    Air,
    /// Nitrogen from a bottle.
    Nitrogen,
}

impl Deed {
    /// Whether it is about a factor.
    pub(super) fn names(&self, factor: &str) -> bool {
        self.factors.is_empty() || self.factors.iter().any(|known| known == factor)
    }

    /// Whether it is about a factor at an instant.
    pub(super) fn touches(&self, factor: &str, at: Moment) -> bool {
        self.names(factor) && self.when.span(at).is_some()
    }

    /// The share of its load at which the plant runs because of this deed.
    pub(super) fn load(&self, at: Moment) -> f64 {
        let DeedKind::Load { share, down_ms, up_ms } = self.kind else { return 1.0 };
        if self.when.span(at).is_some() {
            return share;
        }
        let ramp = |passed_ms: i64, of_ms: i64| share + (1.0 - share) * passed_ms as f64 / of_ms as f64;
        let coming = self.when.coming(at, down_ms).map(|from| ramp(from.0 - at.0, down_ms));
        let gone = self.when.gone(at, up_ms).map(|(_, to)| ramp(at.0 - to.0, up_ms));
        coming.unwrap_or(1.0).min(gone.unwrap_or(1.0))
    }

    /// The share of their usual height to which temperature and moisture of the flue have followed the load.
    pub(super) fn warmth(&self, at: Moment) -> f64 {
        let DeedKind::Load { share, down_ms, up_ms } = self.kind else { return 1.0 };
        let warm_ms = INERTIA * up_ms;
        let cooled = |from: Moment, at: Moment| {
            let passed_ms = at.0 - from.0 + down_ms;
            (1.0 - (1.0 - share) * passed_ms as f64 / (INERTIA * down_ms).max(1) as f64).max(share)
        };
        if let Some((from, _)) = self.when.span(at) {
            return cooled(from, at);
        }
        let coming = self.when.coming(at, down_ms).map(|from| cooled(from, at));
        let gone = self.when.gone(at, warm_ms).map(|(from, to)| {
            let left = cooled(from, to);
            left + (1.0 - left) * (at.0 - to.0) as f64 / warm_ms as f64
        });
        coming.unwrap_or(1.0).min(gone.unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse_local(text).expect("an instant")
    }

    fn nights() -> When {
        When { from: at("2026-03-02 00:00"), to: at("2026-03-04 04:00"), daily: Some((22 * 60, 5 * 60)) }
    }

    #[test]
    fn a_daily_span_may_run_over_midnight_and_is_cut_at_both_ends() {
        let span = |text: &str| nights().span(at(text)).map(|(from, to)| (from.to_string(), to.to_string()));
        let of = |from: &str, to: &str| Some((at(from).to_string(), at(to).to_string()));
        assert_eq!(span("2026-03-01 23:00"), None);
        assert_eq!(span("2026-03-02 04:59"), of("2026-03-02 00:00", "2026-03-02 05:00"));
        assert_eq!(span("2026-03-02 05:00"), None);
        assert_eq!(span("2026-03-02 22:00"), of("2026-03-02 22:00", "2026-03-03 05:00"));
        assert_eq!(span("2026-03-04 03:59"), of("2026-03-03 22:00", "2026-03-04 04:00"));
        assert_eq!(span("2026-03-04 04:00"), None);
    }

    #[test]
    fn the_ends_of_daily_spans_are_those_of_each_day() {
        let ends: Vec<String> = nights().ends().iter().map(ToString::to_string).collect();
        assert_eq!(ends, ["2026-03-02 05:00", "2026-03-03 05:00", "2026-03-04 04:00"].map(|text| at(text).to_string()));
    }

    #[test]
    fn a_load_comes_down_before_its_span_and_up_after_it_and_the_flue_follows_slowly() {
        let hour = 60 * MINUTE_MS;
        let when = When { from: at("2026-03-02 08:00"), to: at("2026-03-02 09:00"), daily: None };
        let kind = DeedKind::Load { share: 0.5, down_ms: hour, up_ms: 4 * hour };
        let deed = Deed { outlet: "DA001".to_owned(), factors: Vec::new(), when, kind };
        let loads = ["06:00", "07:00", "07:30", "08:00", "08:59", "09:00", "11:00", "13:00"].map(|time| deed.load(at(&format!("2026-03-02 {time}"))));
        assert_eq!(loads, [1.0, 1.0, 0.75, 0.5, 0.5, 0.5, 0.75, 1.0]);
        let warmth = ["07:00", "08:00", "09:00", "17:00"].map(|time| deed.warmth(at(&format!("2026-03-02 {time}"))));
        assert_eq!(warmth, [1.0, 0.875, 0.75, 0.875]);
        let daily = Deed { when: nights(), ..deed };
        let loads = ["21:00", "21:30", "22:00"].map(|time| daily.load(at(&format!("2026-03-02 {time}"))));
        assert_eq!(loads, [1.0, 0.75, 0.5]);
    }
}
