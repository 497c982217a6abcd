//! Worked examples that are formulas: A03, A11–A13, A15–A17, A24–A26 of `protocol-fixtures/means/worked-examples.json`, to the
//! last printed digit.

use crate::means::{example, rounded, text};
use hj212d::aggregation::emission::{self, Stack};
use hj212d::aggregation::{beside, classify, foreign, month};
use hj212d::domain::number::{self, Ratio};
use hj212d::domain::time::Moment;
use hj212d::domain::{FactorCode, HourClass, Kind, Mean, RuleSet, Span};
use rust_decimal::Decimal;
use serde_json::Value;

fn decimal(value: &Value) -> Decimal {
    number::parse(&text(value)).expect("a number")
}

fn ratio(value: &Value) -> Ratio {
    Ratio::of(decimal(value))
}

fn whole(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a count")).expect("a small one")
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[test]
fn a03_ppm_wet_becomes_converted_milligrams_and_kilograms() {
    let example = example("A03");
    let (inputs, expected) = (&example["inputs"], &example["expected"]);
    let mut stack = Stack {
        oxygen_dry: Decimal::ZERO,
        reference_oxygen: decimal(&inputs["ref_o2_pct"]),
        moisture: decimal(&inputs["humidity_pct"]),
        temperature: decimal(&inputs["ts_C"]),
        atmosphere: decimal(&inputs["Ba_Pa"]),
        gauge: decimal(&inputs["Ps_Pa_gauge"]),
    };
    let oxygen = stack.dry(&ratio(&inputs["o2_pct_wet"])).expect("not all water");
    let check = |value: &Ratio, name: &str| {
        assert_eq!(number::parse(&rounded(value, &expected[name])).expect("a number"), decimal(&expected[name]), "{name}")
    };
    check(&oxygen, "o2_dry");
    // The example goes on with all digits; a decimal of 18 holds more than any figure that is printed.
    stack.oxygen_dry = number::parse(&oxygen.rounded(18)).expect("a number");
    let mass = |name: &str| decimal(&inputs["M"][name]);
    let so2 = stack.dry(&emission::ppm_to_mg(&ratio(&inputs["so2_ppm_wet"]), mass("SO2"))).expect("dry");
    let no = emission::ppm_to_mg(&ratio(&inputs["no_ppm_wet"]), mass("NO"));
    let no2 = emission::ppm_to_mg(&ratio(&inputs["no2_ppm_wet"]), mass("NO2"));
    let nox = stack.dry(&emission::nox_as_no2(&no, &no2)).expect("dry");
    let dust = stack.standard_dry(&ratio(&inputs["pm_mg_m3_actual_wet"])).expect("standard");
    check(&stack.converted(&Ratio::whole(1)).expect("below 21 %"), "factor");
    for (value, dry, converted, amount) in [
        (&so2, "so2_dry", "so2_converted", "g_so2_kg_h"),
        (&nox, "nox_as_no2_dry", "nox_converted", "g_nox_kg_h"),
        (&dust, "pm_std_dry", "pm_converted", "g_pm_kg_h"),
    ] {
        check(value, dry);
        check(&stack.converted(value).expect("below 21 %"), converted);
        let actual = ratio(&inputs["velocity_m_s"]).times(&ratio(&inputs["area_m2"])).times(&Ratio::whole(3600));
        check(&actual, "flow_actual_m3_h");
        let flow = stack.standard_dry_flow(&actual).expect("a flow");
        check(&flow, "flow_std_dry_m3_h");
        check(&value.times(&flow).times(&Ratio::of(Decimal::new(1, 6))), amount);
    }
}

#[test]
fn a11_missing_amounts_take_the_largest_of_the_window_that_the_capture_rate_and_the_gap_name() {
    let example = example("A11");
    let set = RuleSet::default();
    let history: Vec<Ratio> = (1..=3000i64)
        .map(|k| {
            let tenths = Decimal::new(37 * k % 101, 1) + Decimal::from(10);
            let far = if k > 720 {
                Decimal::new(375, 2)
            } else if k > 180 {
                Decimal::new(15, 1)
            } else {
                Decimal::ZERO
            };
            Ratio::of(tenths + far)
        })
        .collect();
    for row in rows(&example["expected"]["rows"]) {
        let found = emission::substitute(&ratio(&row["alpha"]), whole(&row["N"]), &history, &set);
        assert_eq!(found.as_ref().map(|found| Value::from(found.window_h)).unwrap_or_default(), row["window"], "{row}");
        if let Some(found) = found {
            assert_eq!(found.per_hour, ratio(&row["per_hour"]), "{row}");
            assert_eq!(found.total, ratio(&row["total"]), "{row}");
        }
    }
    assert!(emission::substitute(&Ratio::whole(95), 3, &[], &set).is_none(), "nothing to take it from");
}

#[test]
fn a12_the_capture_rate_passes_at_75_percent_exactly_and_a_stopped_quarter_has_none() {
    let example = example("A12");
    let cases = rows(&example["inputs"]["cases"]).iter().zip(rows(&example["expected"]["rows"]));
    for (case, row) in cases {
        let rate = month::capture_rate(whole(&case["H"]), whole(&case["invalid"]), whole(&case["stop"]));
        match &rate {
            None => assert_eq!(row["rate"], Value::Null, "{case}"),
            Some(rate) => {
                assert_eq!(rate.rounded(4).parse::<Decimal>().expect("a number"), decimal(&row["rate"]), "{case}");
                assert_eq!(Value::from(month::capture_passes(rate, &RuleSet::default())), row["pass"], "{case}");
            }
        }
    }
}

#[test]
fn a13_the_effective_transmission_rate_has_two_readings() {
    let example = example("A13");
    let (inputs, expected) = (&example["inputs"]["gas_month"], &example["expected"]["gas"]);
    let set = RuleSet::default();
    let rate = month::transmission(whole(&inputs["expected"]), whole(&inputs["received"]), whole(&inputs["valid"]), &set).expect("something is due");
    for (value, name) in [
        (&rate.transmitted, "T_pct"),
        (&rate.valid_of_expected, "V_expected_pct"),
        (&rate.effective, "E_default_pct"),
        (rate.valid_of_received.as_ref().expect("received"), "V_received_pct"),
        (rate.effective_of_received.as_ref().expect("received"), "E_received_pct"),
    ] {
        assert_eq!(rounded(value, &expected[name]).parse::<Decimal>().expect("a number"), decimal(&expected[name]), "{name}");
    }
    assert_eq!(Value::from(rate.passes), expected["pass_90_default"]);
    let water = &example["expected"]["water"];
    let share = |expected: u32| month::transmission(expected, expected, 23, &set).expect("due").valid_of_expected;
    assert_eq!(share(24).rounded(4).parse::<Decimal>().expect("a number"), decimal(&water["without_exemption_V_pct"]));
    assert_eq!(share(whole(&water["with_exemption_expected"])), ratio(&water["with_exemption_V_pct"]));
}

#[test]
fn a15_95_percent_of_a_months_hours_within_the_limit_pass() {
    let example = example("A15");
    for row in rows(&example["expected"]["rows"]) {
        let found = month::within(whole(&row["valid_hours"]), whole(&row["hours_above"]), &RuleSet::default());
        match found {
            None => assert_eq!(row["pct_within"], Value::Null),
            Some((share, passes)) => {
                assert_eq!(share.rounded(4).parse::<Decimal>().expect("a number"), decimal(&row["pct_within"]), "{row}");
                assert_eq!(Value::from(passes), row["pass"], "{row}");
            }
        }
    }
}

#[test]
fn a16_45_minutes_and_four_quarters_are_not_nested() {
    let example = example("A16");
    for (case, row) in rows(&example["inputs"]["cases"]).iter().zip(rows(&example["expected"]["rows"])) {
        let minutes: Vec<u8> = rows(&case["valid_minutes"]).iter().map(|minute| whole(minute) as u8).collect();
        let class = classify(minutes.len() as u32, 0, 60, false, &RuleSet::default());
        assert_eq!(Value::from(class == HourClass::Valid), row["cn_45min"], "{case}");
        assert_eq!(Value::from(foreign::us_hour_is_valid(&minutes, false)), row["us_4_quadrants"], "{case}");
        assert_eq!(Value::from(foreign::us_hour_is_valid(&minutes, true)), row["us_2_quadrants_during_qa"], "{case}");
    }
}

#[test]
fn a17_an_eu_day_bears_five_half_hours_thrown_away() {
    let example = example("A17");
    for (case, row) in rows(&example["inputs"]["cases"]).iter().zip(rows(&example["expected"]["rows"])) {
        assert_eq!(Value::from(foreign::eu_day_is_valid(whole(&case["discarded"]))), row["day_valid"], "{case}");
        assert_eq!(whole(&case["half_hours"]) - whole(&case["discarded"]), whole(&row["valid_half_hours"]));
    }
}

#[test]
fn a24_an_hour_has_one_of_five_classes() {
    let example = example("A24");
    for (case, expected) in rows(&example["inputs"]["cases"]).iter().zip(rows(&example["expected"]["rows"])) {
        let (n, f) = (whole(&case["N"]), whole(&case["F"]));
        let received = n + f + whole(&case["other_flags"]);
        let class = classify(n, f, received, case["neighbour_is_stop"] == true, &RuleSet::default());
        let name = serde_json::to_value(class).expect("a word");
        assert_eq!(name.as_str().map(str::to_uppercase).as_deref(), expected.as_str(), "{case}");
    }
}

fn day_mean(valid: bool) -> Mean {
    Mean {
        factor: FactorCode::new("a21026").expect("short"),
        span: Span::Day,
        start: Moment(0),
        kind: Kind::Measured,
        value: valid.then(|| Ratio::whole(10)),
        valid,
        indicative: None,
        shadow: None,
        count: 24,
        due: 24,
        class: None,
        origin: None,
        cross_check: None,
        note: None,
        volume: None,
        reported: None,
        beside: Vec::new(),
    }
}

#[test]
fn a25_a_month_needs_25_valid_days_and_a_february_23() {
    let example = example("A25");
    for row in rows(&example["expected"]["rows"]) {
        let number: u32 = text(&row["month"])[5..].parse().expect("a month");
        let valid = whole(&row["valid_days"]) as usize;
        let days: Vec<Mean> = (0..28).map(|day| day_mean(day < valid)).collect();
        let found = month::mean(&days, number, &RuleSet::default());
        assert_eq!(Value::from(found.valid), row["valid"], "{row}");
        assert_eq!(found.mean, Some(Ratio::whole(10)));
    }
}

#[test]
fn a26_a_reported_converted_value_beyond_two_percent_of_ours_is_noted() {
    let example = example("A26");
    let reference = ratio(&example["inputs"]["ref_o2"]);
    for row in rows(&example["expected"]["rows"]) {
        let rest = Ratio::whole(21).minus(&ratio(&row["o2"]));
        let own = ratio(&row["avg"]).times(&Ratio::whole(21).minus(&reference)).divided(&rest).expect("below 21 %");
        assert_eq!(own, ratio(&row["own"]));
        let found = beside(decimal(&row["reported_zs"]), Some(&own), RuleSet::default().converted_tolerance_pct.value);
        assert_eq!(found.agrees, Some(row["fires"] == false), "{row}");
        let off = found.difference_pct.expect("ours is not zero");
        assert_eq!(rounded(&off, &row["deviation_pct"]).parse::<Decimal>().expect("a number"), decimal(&row["deviation_pct"]), "{row}");
    }
}
