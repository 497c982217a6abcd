//! Working days (工作日): weekdays, less the holidays that were announced, plus the days that are worked in their place (调休).

use crate::domain::time::{Day, Moment};
use std::collections::BTreeSet;

/// Days that a deadline may look ahead for its working days: a calendar that names every day a holiday has no deadline.
const DAYS_AHEAD_MAX: i32 = 366;

/// Which days are worked, and how many of them a disclosure may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// 法定节假日 and the weekdays that are taken off for them.
    pub holidays: BTreeSet<Day>,
    /// 调休: days of a weekend that are worked.
    pub workdays: BTreeSet<Day>,
    /// Working days after the day on which a day is confirmed.
    pub working_days: u32,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { holidays: BTreeSet::new(), workdays: BTreeSet::new(), working_days: 5 }
    }
}

impl Calendar {
    /// Whether a day is worked.
    #[must_use]
    pub fn is_worked(&self, day: Day) -> bool {
        // 1 January 1970 was a Thursday.
        let weekend = (day.0 + 3).rem_euclid(7) >= 5;
        self.workdays.contains(&day) || (!weekend && !self.holidays.contains(&day))
    }

    /// The last day on which what was confirmed at an instant may be disclosed.
    #[must_use]
    pub fn due(&self, confirmed: Moment) -> Day {
        let first = confirmed.day();
        let after = (1..=DAYS_AHEAD_MAX).map(|days| Day(first.0 + days)).filter(|day| self.is_worked(*day));
        after.take(self.working_days as usize).last().unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn calendar() -> Calendar {
        // 国庆 2026 as a calendar may have it: the week is off, the Saturday after it and the Sunday before are worked.
        let holidays = (1..=7).map(|of_month| day(&format!("2026-10-{of_month:02}"))).collect();
        Calendar { holidays, workdays: [day("2026-09-27"), day("2026-10-10")].into(), ..Calendar::default() }
    }

    #[test]
    fn weekends_are_off_and_what_the_calendar_says_goes_before_them() {
        let worked = |text: &str| calendar().is_worked(day(text));
        assert_eq!(["2026-09-25", "2026-09-26", "2026-09-27", "2026-09-28"].map(worked), [true, false, true, true]);
        assert_eq!(["2026-09-30", "2026-10-01", "2026-10-08", "2026-10-10", "2026-10-11"].map(worked), [true, false, true, true, false]);
    }

    #[test]
    fn five_working_days_pass_over_a_weekend_and_over_a_holiday() {
        let due = |calendar: &Calendar, text: &str| calendar.due(day(text).hour(13).start()).to_string();
        assert_eq!(due(&Calendar::default(), "2026-03-16"), "2026-03-23", "from Monday to Monday");
        assert_eq!(due(&Calendar::default(), "2026-03-14"), "2026-03-20", "confirmed on a Saturday");
        assert_eq!(due(&calendar(), "2026-09-25"), "2026-10-08", "the worked Sunday, 28th, 29th, 30th, 8th");
        assert_eq!(due(&calendar(), "2026-09-29"), "2026-10-12", "30th, 8th, 9th, 10th (worked Saturday), 12th");
    }

    #[test]
    fn a_calendar_without_working_days_has_an_end() {
        let never = Calendar { holidays: (day("2026-01-01").0..day("2028-01-01").0).map(Day).collect(), ..Calendar::default() };
        assert_eq!(never.due(day("2026-03-14").start()), day("2026-03-14"));
    }
}
