//! The rule set (规则集): every figure that decides something, with where it comes from. A stored document, put in force by
//! a journal entry; its version is the hash of its content, so old verdicts can be recomputed with the figures of their day.

use super::finding::{CaseKind, RuleSetting, Source};
use super::limit::Grade;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A figure and its source. Changing one without naming the source is impossible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The value in force.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

macro_rules! rule_set {
    ($($field:ident: $type:ty = $value:expr, $grade:ident, $source:literal, $doc:literal;)*) => {
        /// All figures of averaging and of the rules.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RuleSet {
            $(#[doc = $doc] pub $field: Figure<$type>,)*
            /// Rules whose figures differ from the catalogue's, or that do not run: for all, a trade, an outlet, a factor.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub rules: Vec<RuleSetting>,
        }

        impl Default for RuleSet {
            fn default() -> Self {
                Self { $($field: Figure { value: $value, source: Source { text: $source.to_owned(), grade: Grade::$grade } },)*
                    rules: Vec::new(),
                }
            }
        }
    };
}

rule_set! {
    hour_minutes_min: u32 = 45, S, "HJ 212-2017 Annex D.2 (k >= 45); HJ 76-2017 App. B and the 2017 permit rule as restated (not less than 45)", "Valid minutes that make a gas hour valid.";
    day_hours_min: u32 = 20, P, "GB 18484-2020 3.19, GB 39707-2020 (m >= 20); HJ 212-2017 Annex D.2", "Valid hours that make a gas day valid.";
    water_day_used_pct: u32 = 75, M, "HJ 356-2019, recalled; the same figure in an open logger program", "Used cycles of those due (%) that make a water day valid.";
    water_check_factors: Vec<String> = ["w01018", "w21003", "w21011", "w21001"].map(str::to_owned).to_vec(), S, "algorithm note of the effective transmission rate: COD, NH3-N, TP, TN may leave one standard-check hour a day out", "Factors of which one check cycle a day is not due.";
    water_cold_c: Decimal = Decimal::from_parts(12, 0, 0, false, 0), M, "GB 18918-2002 table 1 note: the bracketed figure at a water temperature of 12 degrees or less", "Water temperature (°C) up to which a bracketed limit is in force.";
    reported_tolerance_pct: Decimal = Decimal::from_parts(1, 0, 0, false, 0), D, "ours: averaging-and-validity 2.1, one unit of the last digit or 1 %", "Share (%) by which the logger's own figure may differ from ours.";
    converted_tolerance_pct: Decimal = Decimal::from_parts(2, 0, 0, false, 0), S, "published rule catalogue, ±2 %", "Share (%) by which a reported converted value may differ from ours.";
    month_days_min: u32 = 25, S, "HJ 76-2017 App. B as restated", "Valid days that make a month valid.";
    month_days_min_february: u32 = 23, S, "HJ 76-2017 App. B as restated", "Valid days that make a February valid.";
    capture_pass_pct: u32 = 75, P, "manual of the emission statistics: condition for using automatic data", "Capture rate (%) of a quarter that passes.";
    transmission_pass_pct: u32 = 90, P, "Guangdong bulletin; 75 % in older national practice", "Effective transmission rate (%) that passes.";
    month_within_pct: u32 = 95, S, "steel ultra-low rule, MEE 2019 No. 35", "Share (%) of a month's hours that must lie within the limit, where that rule is in force.";
    substitution_windows_h: Vec<u32> = vec![180, 720, 2160], M, "HJ 75-2017 tables 6 and 7, recalled; windows confirmed in deployed code", "Valid hours searched for the maximum: short gap, long gap, capture rate below the upper edge.";
    substitution_capture_pct: Vec<u32> = vec![90, 75], M, "HJ 75-2017 tables 6 and 7, recalled", "Upper and lower edge of the capture rate (%): below the lower nothing is substituted.";
    substitution_short_h: u32 = 24, M, "HJ 75-2017 tables 6 and 7, recalled", "Hours up to which a gap is short.";
    oxygen_not_converted_pct: Decimal = Decimal::from_parts(205, 0, 0, false, 1), D, "ours: no national clause on an upper oxygen limit was found", "From this oxygen content (%) on there is no converted value.";
    oxygen_low_confidence_pct: Decimal = Decimal::from_parts(19, 0, 0, false, 0), D, "ours: between 19 % and 20.5 % the factor multiplies small errors", "From this oxygen content (%) on a converted value has low confidence and no verdict.";
    negative_drift_pct: Decimal = Decimal::from_parts(25, 0, 0, false, 1), M, "zero drift of HJ 75-2017, recalled; US ECMPS MODC 21 sets such negatives to zero", "Negatives down to this share (%) of the range count as zero.";
    stop_edge_minutes: u32 = 15, D, "ours: averaging-and-validity 2.2", "More F minutes than this beside a stopped hour leave the rates with it.";
    hour_provisional_after_min: u32 = 10, D, "ours: averaging-and-validity 11", "Minutes after its end at which an hour is closed and published.";
    day_provisional_after_min: u32 = 30, D, "ours: averaging-and-validity 11", "Minutes after midnight at which a day is published provisionally.";
    day_confirmed_after_min: u32 = 780, S, "marks are due by 12:00 of the next day, results are published about 13:00", "Minutes after midnight at which a day is confirmed.";
    late_accept_hours: u32 = 168, S, "7 days, the figure of the missing-hour rule (list of 18 situations, no. 1)", "Hours after which data are kept but no longer averaged.";
    future_accept_min: u32 = 30, D, "ours: a clock may be wrong, a value cannot be older than its packet", "Minutes by which DataTime may lie after the arrival.";
    spread_secs: u32 = 20, D, "ours: closing an hour and publishing a day was measured at 5 to 7 ms of work an outlet of ten factors (benches/README.md); 1,400 leave half of a core for answers, 30,000 set 420, 100,000 set 1400", "Each outlet's deadlines lie up to so many seconds later, by a share of its own.";
    confirm_spread_secs: u32 = 20, D, "ours: confirming a day of ten factors beside ninety others was measured at 5 to 7 ms of work (benches/README.md); a city of 10,000 outlets sets 600, one of 100,000 sets 3600", "… and those of confirmations up to so many: the rules that look back run then.";
    quiet_secs: u32 = 60, D, "ours: back-filling three days costs a few revisions, not thousands", "A reopened day publishes after so many quiet seconds of engine time.";
    quiet_max_secs: u32 = 600, D, "ours: see quiet_secs", "… and at the latest after so many.";
    quiet_pace_ms: u32 = 2000, D, "ours: computing a day costs some 15 ms; one in two seconds leaves the answers alone", "Reopened days are spread over so many milliseconds each.";
    recount_pace_ms: u32 = 50, D, "ours: a stored day that is published anew costs 5 ms; a tenth of the time is given to recounts", "Milliseconds of engine time between two days of a recount, at least.";
    recount_pace_us: u32 = 10, D, "ours: a record of a stored day costs 1 microsecond; a tenth of the time is given to recounts", "Microseconds of engine time between two days of a recount for each record of the day.";
    silence_intervals: u32 = 2, D, "ours: one record may be late, two are not", "Expected intervals without a packet after which a logger is silent.";
    silence_min: u32 = 15, D, "ours: suspicion-rules A-03", "… and at least so many minutes.";
    silence_refer_min: u32 = 60, D, "ours: suspicion-rules A-03, first step of escalation", "Minutes of silence after which it is referred, if the survey finds the fault at the outlet alone.";
    outage_gap_secs: u32 = 120, D, "ours: the host gives a sign of time every 5 s; so long without one it was itself away", "Seconds without any entry that are an outage of the receiver.";
    outage_share_pct: u32 = 30, D, "ours: guard X2", "Share (%) of the outlets of a region or gateway that fall silent together in an outage of it.";
    outage_within_min: u32 = 20, D, "ours: guard X2 (5 min), and the longest usual interval of 15 min between two records", "Minutes within which they fall silent.";
    outage_outlets_min: u32 = 3, D, "ours: two outlets are no region", "Outlets that make an outage of a region, at least.";
    score_review: u32 = 6, D, "ours: suspicion-rules M", "Points from which suspicions are referred for review.";
    score_priority: u32 = 10, D, "ours: suspicion-rules M", "Points from which they are referred with priority.";
    score_days: u32 = 7, D, "ours: suspicion-rules M", "Days over which points are counted.";
    networking_permit_months: u32 = 3, D, "ours: a figure of the sample notice; a setting of each authority", "Months after its permit in which a site's outlets are to be networked.";
    networking_list_months: u32 = 6, D, "ours: as networking_permit_months", "Months after its listing as a key unit in which a site's outlets are to be networked and stable.";
    networking_stable_days: u32 = 30, D, "ours: stable is the effective transmission rate above its pass mark on this many days running", "Days running with enough transmission that are stable.";
    networking_manual_days: u32 = 90, D, "ours: a quarter, the usual interval of self-monitoring", "Days within which a deferred outlet must show a manual result.";
    case_take_up_days: u32 = 3, D, "ours: no act names a number of days (marker-rules 3.6); a setting of each authority", "Days after its referral in which a case is to be taken up.";
    case_decide_days: u32 = 30, D, "ours: as case_take_up_days", "Days after it was taken up in which a case is to be decided.";
    case_write_off_days: u32 = 90, D, "ours: as case_take_up_days", "Days after its decision in which a case is to be written off.";
    case_days_by_kind: BTreeMap<CaseKind, [u32; 3]> = BTreeMap::from([(CaseKind::MissingLink, [1, 7, 30]), (CaseKind::Networking, [3, 30, 180])]), D, "ours: a link is found and mended sooner than a violation is decided, an installation takes longer", "Kinds of case with days of their own: to take up, to decide, to write off.";
    case_recurs_days: u32 = 365, D, "ours: a new case within a year of one that was written off names it", "Days after its writing-off in which a new case of the outlet and factor is a recurrence.";
    episode_gap_days: u32 = 1, D, "ours: exceedances on days at most this far apart are one case", "Days between two findings of one case.";
    contractor_transmission_marks: u32 = 30, D, "set here: no public source gives the weights of a contractor's score", "Full marks of a contractor's effective transmission rates.";
    contractor_capture_marks: u32 = 20, D, "set here: as contractor_transmission_marks", "Full marks of its capture rates.";
    contractor_declaration_marks: u32 = 10, D, "set here: as contractor_transmission_marks", "Full marks of the declarations about its outlets.";
    contractor_gap_marks: u32 = 15, D, "set here: as contractor_transmission_marks", "Full marks of its response to silent loggers.";
    contractor_comparison_marks: u32 = 15, D, "set here: as contractor_transmission_marks", "Full marks of the comparisons of its equipment.";
    contractor_case_marks: u32 = 10, D, "set here: as contractor_transmission_marks", "Full marks where no case was opened.";
    contractor_transmission_full_pct: u32 = 95, D, "set here: above transmission_pass_pct, so that passing is not yet full marks", "Effective transmission rate (%) of an outlet's month from which nothing is deducted.";
    contractor_transmission_zero_pct: u32 = 75, D, "set here: the pass mark of older national practice", "Effective transmission rate (%) down to which points are left.";
    contractor_capture_full_pct: u32 = 90, D, "set here: the monthly warning of rule A-06", "Capture rate (%) of a series' month from which nothing is deducted.";
    contractor_capture_zero_pct: u32 = 75, D, "set here: the quarterly figure of capture_pass_pct", "Capture rate (%) down to which points are left.";
    contractor_declaration_due_min: u32 = 720, S, "marks are due by 12:00 of the next day", "Minutes after the midnight that ends a declaration's first day by which it is in time.";
    contractor_declaration_late_marks: Decimal = Decimal::ONE, D, "set here: as contractor_transmission_marks", "Points for a declaration that came later.";
    contractor_declaration_after_marks: Decimal = Decimal::TWO, D, "set here: as contractor_transmission_marks", "Points for a declaration that came, or was changed, after its day was confirmed.";
    contractor_gap_free_h: u32 = 12, D, "set here: a fault is found and mended within half a day", "Hours of silence of a logger that cost nothing.";
    contractor_gap_step_h: u32 = 24, D, "set here: see contractor_gap_free_h", "Hours of each further step, begun ones counted.";
    contractor_gap_step_marks: Decimal = Decimal::ONE, D, "set here: as contractor_transmission_marks", "Points for each step.";
    contractor_comparison_days: u32 = 92, M, "HJ 75-2017 and HJ 355-2019, recalled: checks against a reference once a quarter", "Days within which every pollutant of an outlet is to be compared.";
    contractor_comparison_mended_pct: u32 = 50, D, "set here: a failure that was mended in its month costs half", "Share (%) of a series' points for a failed comparison that a passed one followed in the month.";
    contractor_case_opened_marks: BTreeMap<CaseKind, Decimal> = BTreeMap::from([(CaseKind::MissingLink, Decimal::ONE), (CaseKind::SuspiciousMarker, Decimal::TWO), (CaseKind::AbnormalData, Decimal::TWO)]), D, "set here: exceedances and networking are the plant's, and cost a contractor nothing", "Points for a case that was opened, by kind; a kind that is not named costs nothing.";
    contractor_case_overdue_marks: Decimal = Decimal::ONE, D, "set here: as contractor_transmission_marks", "Further points for such a case whose step is overdue.";
    contractor_pass_pct: u32 = 60, D, "set here: as contractor_transmission_marks", "Share (%) of the full marks from which a contractor's month passes.";
}

impl RuleSet {
    /// Reads the document; unknown names are refused, a figure that is not named has its default.
    ///
    /// # Errors
    /// What JSON or the names are wrong, with line and column.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let set: Self = serde_json::from_str(json)?;
        set.fault().map_or(Ok(set), |fault| Err(serde::de::Error::custom(fault)))
    }

    /// No more seconds can be set as `spread_secs` (ours: with ninety minutes before it an hour is closed an hour before its packets are sealed).
    pub const SPREAD_SECS_MAX: u32 = 1800;
    /// No more seconds can be set as `confirm_spread_secs` (ours: what is confirmed at 13:00 is so by the evening).
    pub const CONFIRM_SPREAD_SECS_MAX: u32 = 6 * 3600;

    /// A figure that the house cannot bear: an hour must be closed before its packets are sealed, three hours after its end.
    fn fault(&self) -> Option<String> {
        let minutes = [
            ("hour_provisional_after_min", self.hour_provisional_after_min.value, 90),
            ("day_provisional_after_min", self.day_provisional_after_min.value, 24 * 60),
            ("day_confirmed_after_min", self.day_confirmed_after_min.value, 7 * 24 * 60),
            ("future_accept_min", self.future_accept_min.value, 60),
            ("late_accept_hours", self.late_accept_hours.value, 10_000),
            ("spread_secs", self.spread_secs.value, Self::SPREAD_SECS_MAX),
            ("silence_min", self.silence_min.value, 150),
            ("silence_intervals", self.silence_intervals.value, 2),
            ("score_days", self.score_days.value, 30),
            ("networking_stable_days", self.networking_stable_days.value, 10_000),
            ("networking_manual_days", self.networking_manual_days.value, 10_000),
            ("networking_permit_months", self.networking_permit_months.value, 1_200),
            ("networking_list_months", self.networking_list_months.value, 1_200),
            ("confirm_spread_secs", self.confirm_spread_secs.value, Self::CONFIRM_SPREAD_SECS_MAX),
            ("recount_pace_us", self.recount_pace_us.value, 1_000_000),
        ];
        let above = minutes.into_iter().find(|(_, value, most)| value > most);
        above.map(|(name, value, most)| format!("{name} is {value}, at most {most} is possible")).or_else(|| self.contractor_fault())
    }

    /// A figure of a contractor's score by which nothing can be computed.
    fn contractor_fault(&self) -> Option<String> {
        let most = [
            ("contractor_transmission_marks", self.contractor_transmission_marks.value, 1_000),
            ("contractor_capture_marks", self.contractor_capture_marks.value, 1_000),
            ("contractor_declaration_marks", self.contractor_declaration_marks.value, 1_000),
            ("contractor_gap_marks", self.contractor_gap_marks.value, 1_000),
            ("contractor_comparison_marks", self.contractor_comparison_marks.value, 1_000),
            ("contractor_case_marks", self.contractor_case_marks.value, 1_000),
            ("contractor_transmission_full_pct", self.contractor_transmission_full_pct.value, 100),
            ("contractor_capture_full_pct", self.contractor_capture_full_pct.value, 100),
            ("contractor_declaration_due_min", self.contractor_declaration_due_min.value, 30 * 24 * 60),
            ("contractor_gap_free_h", self.contractor_gap_free_h.value, 10_000),
            ("contractor_gap_step_h", self.contractor_gap_step_h.value, 10_000),
            ("contractor_comparison_days", self.contractor_comparison_days.value, 10_000),
            ("contractor_comparison_mended_pct", self.contractor_comparison_mended_pct.value, 100),
            ("contractor_pass_pct", self.contractor_pass_pct.value, 100),
        ];
        let edges = [
            ("contractor_transmission_zero_pct", self.contractor_transmission_zero_pct.value, self.contractor_transmission_full_pct.value),
            ("contractor_capture_zero_pct", self.contractor_capture_zero_pct.value, self.contractor_capture_full_pct.value),
        ];
        let points = [
            ("contractor_declaration_late_marks", self.contractor_declaration_late_marks.value),
            ("contractor_declaration_after_marks", self.contractor_declaration_after_marks.value),
            ("contractor_gap_step_marks", self.contractor_gap_step_marks.value),
            ("contractor_case_overdue_marks", self.contractor_case_overdue_marks.value),
        ];
        let by_kind = self.contractor_case_opened_marks.value.values().map(|value| ("contractor_case_opened_marks", *value));
        let above = most.into_iter().find(|(_, value, most)| value > most);
        let above = above.map(|(name, value, most)| format!("{name} is {value}, at most {most} is possible"));
        let edge = edges.into_iter().find(|(_, zero, full)| zero >= full);
        let edge = || edge.map(|(name, zero, full)| format!("{name} is {zero}, below {full} is possible"));
        let step = || (self.contractor_gap_step_h.value == 0).then(|| "contractor_gap_step_h is 0, at least 1 is possible".to_owned());
        let negative = || points.into_iter().chain(by_kind).find(|(_, value)| value.is_sign_negative() && !value.is_zero());
        let negative = || negative().map(|(name, value)| format!("{name} is {value}, at least 0 is possible"));
        above.or_else(edge).or_else(step).or_else(negative)
    }

    /// The document's text, in the order of the figures.
    ///
    /// # Panics
    /// Never: plain values always serialise.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain values serialise")
    }

    /// `rs-` and the first 16 hex digits of the content's SHA-256.
    #[must_use]
    pub fn version(&self) -> String {
        format!("rs-{}", short_hash(self.text().as_bytes()))
    }
}

/// The first 16 hex digits of SHA-256.
#[must_use]
pub fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_reads_back_and_its_version_follows_its_content() {
        let standard = RuleSet::default();
        let again = RuleSet::parse(&standard.text()).expect("its own text");
        assert_eq!(again, standard);
        let mut other = standard.clone();
        other.hour_minutes_min.value = 46;
        assert_ne!(other.version(), standard.version());
        assert!(RuleSet::parse(r#"{"hour_minutes": 45}"#).is_err());
    }

    #[test]
    fn a_spread_beyond_what_the_house_bears_is_refused_by_its_name() {
        let mut set = RuleSet::default();
        (set.spread_secs.value, set.confirm_spread_secs.value) = (RuleSet::SPREAD_SECS_MAX, RuleSet::CONFIRM_SPREAD_SECS_MAX);
        assert_eq!(RuleSet::parse(&set.text()).expect("the most that can be set"), set);
        set.spread_secs.value += 1;
        let refused = RuleSet::parse(&set.text()).expect_err("too much").to_string();
        assert!(refused.contains("spread_secs is 1801, at most 1800 is possible"), "{refused}");
    }

    #[test]
    fn every_figure_names_its_source() {
        let document: serde_json::Value = serde_json::from_str(&RuleSet::default().text()).expect("JSON");
        for (name, figure) in document.as_object().expect("an object") {
            assert!(figure["source"]["text"].as_str().is_some_and(|text| text.len() > 8), "{name}");
        }
    }
}
