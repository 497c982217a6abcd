//! A month or a quarter as one document: validity, rates, amounts and what stands in for missing ones.

use super::*;

pub(super) fn period_report(stored: &Stored, period: &Period) -> Value {
    let by_day: BTreeMap<Day, Vec<SeriesDay<'_>>> =
        stored.days.iter().map(|(day, held)| (*day, held.series(&stored.registry, &stored.set))).collect();
    let factors = stored.factors(by_day.range(period.first..).flat_map(|(_, series)| series));
    let mut report = stored.head(period.last);
    let began = stored.began.day();
    report.extend([
        ("period".to_owned(), json!(period.name)),
        ("span".to_owned(), json!(if period.month.is_some() { "month" } else { "quarter" })),
        ("from".to_owned(), json!(period.first.to_string())),
        ("to".to_owned(), json!(period.last.to_string())),
        ("days".to_owned(), json!(period.days().filter(|day| day.end() <= stored.until).count())),
        ("days_with_data".to_owned(), json!(by_day.range(period.first..).count())),
        // What came before the house stood counts as missing; who reads must know.
        ("began".to_owned(), json!((period.first < began && began <= period.last).then(|| stored.began.to_string()))),
        ("series".to_owned(), factors.into_iter().filter_map(|factor| series_report(stored, period, factor, &by_day)).collect()),
    ]);
    Value::Object(report)
}

/// Consecutive hours that are neither valid nor stopped.
pub(super) struct Run {
    pub(super) first: Hour,
    pub(super) hours: u32,
    /// How many valid amounts are older.
    pub(super) older: usize,
}

/// What the hours of a series come to.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) hours: Hours,
    /// Check hours of water that are not expected.
    pub(super) checks: u32,
    /// Whether the hours make amounts.
    pub(super) amounts: bool,
    /// kg of the valid hours, oldest first; from `inside` on they are of the period.
    pub(super) kilograms: Vec<Ratio>,
    pub(super) inside: usize,
    /// Valid hours of the period without a known amount.
    pub(super) unknown: u32,
    pub(super) runs: Vec<Run>,
}

pub(super) fn tally(stored: &Stored, period: &Period, factor: FactorCode, by_day: &BTreeMap<Day, Vec<SeriesDay<'_>>>) -> Tally {
    let mut tally = Tally::default();
    let checked = stored.set.water_check_factors.value.iter().any(|code| code == factor.as_str());
    let oldest = by_day.keys().next().copied().unwrap_or(period.first).min(period.first);
    let mut open = false;
    for day in (oldest.0..=period.last.0).map(Day) {
        let inside = day >= period.first;
        if day == period.first {
            tally.inside = tally.kilograms.len();
            open = false;
        }
        let series = by_day.get(&day).and_then(|all| all.iter().find(|series| series.factor == factor));
        let amounts = stored.is_concentration(factor, day.start());
        tally.amounts |= amounts && inside;
        let mut check_left = checked;
        for hour in 0..24u8 {
            let at = day.hour(hour);
            let own = series.is_some_and(|series| series.cells[usize::from(hour)].is_some());
            let due = stored.is_closed(at) && stored.is_registered(factor, at.start());
            if !own && !due {
                open = false;
                continue;
            }
            let by = series.map_or(hour, |series| series.standing(hour));
            let class = series.map_or(HourClass::Missing, |series| series.class(by));
            // Who is stopped may have its instruments off (averaging §7).
            let stopped = || stored.declarations.iter().any(|known| known.stops(stored.outlet) && known.covers(at.start(), at.end()));
            let class = if class == HourClass::Missing && stopped() { HourClass::Stop } else { class };
            let cell = series.and_then(|series| series.cells[usize::from(by)].as_ref());
            if inside {
                tally.hours.count(class);
            }
            let is_check = class == HourClass::Invalid && cell.is_some_and(|cell| cell.water && cell.minutes_marked(Marker::CALIBRATION) > 0);
            if inside && is_check && std::mem::take(&mut check_left) {
                tally.checks += 1;
            }
            match class {
                HourClass::Valid => {
                    let flow = series.and_then(|series| series.flow?[usize::from(hour)].as_ref());
                    let medium = series.map_or(Medium::Gas, |series| series.outlet.medium);
                    match cell.zip(flow).filter(|_| amounts).and_then(|(cell, flow)| emission::hour(cell, flow, medium, &stored.set)) {
                        Some(amount) => tally.kilograms.push(amount),
                        None => tally.unknown += u32::from(inside),
                    }
                    open = false;
                }
                HourClass::Stop | HourClass::StopEdge => open = false,
                HourClass::Missing | HourClass::Invalid if inside => {
                    match tally.runs.last_mut().filter(|_| open) {
                        Some(run) => run.hours += 1,
                        None => tally.runs.push(Run { first: at, hours: 1, older: tally.kilograms.len() }),
                    }
                    open = true;
                }
                HourClass::Missing | HourClass::Invalid => {}
            }
        }
    }
    tally
}

pub(super) fn series_report(stored: &Stored, period: &Period, factor: FactorCode, by_day: &BTreeMap<Day, Vec<SeriesDay<'_>>>) -> Option<Value> {
    let tally = tally(stored, period, factor, by_day);
    if tally.hours.all == 0 {
        return None;
    }
    let over = by_day.range(period.first..).filter(|(day, _)| day.end() <= stored.until);
    let mut means: Vec<Mean> = over.flat_map(|(_, all)| all).filter(|series| series.factor == factor).flat_map(SeriesDay::day_means).collect();
    if stored.registry.outlet(stored.outlet, period.last.start()).is_some_and(|outlet| outlet.flow_factor == Some(factor)) {
        // A flow is not weighed by itself.
        for mean in &mut means {
            mean.volume = None;
        }
    }
    let days = period.days().filter(|day| day.end() <= stored.until).count();
    let kinds = [Kind::Measured, Kind::Converted].into_iter().filter(|kind| *kind == Kind::Measured || means.iter().any(|mean| mean.kind == *kind));
    let mut report = factor_body(factor, stored.unit(factor, period.last.start()));
    put(&mut report, "means", kinds.map(|kind| period_mean(stored, period, kind, days, &means)).collect());
    put(&mut report, "hours", json!(tally.hours));
    let Hours { all, received, valid, stop, invalid } = tally.hours;
    let capture = month::capture_rate(all, invalid, stop);
    put(
        &mut report,
        "capture",
        json!(capture.as_ref().map(|rate| json!({
            "rate_pct": rate.shown(),
            "exact": rate,
            "pass_pct": stored.set.capture_pass_pct.value,
            "grade": stored.set.capture_pass_pct.source.grade,
            "passes": month::capture_passes(rate, &stored.set),
        }))),
    );
    // Stopped hours are not expected, and the day's check hour of a water series is not either.
    let left_out = stop + tally.checks;
    let (expected, received) = (all.saturating_sub(left_out), received.saturating_sub(left_out));
    let transmission = month::transmission(expected, received, valid, &stored.set).map(|rate| {
        json!({
            "expected": expected,
            "received": received,
            "valid": valid,
            "check_hours": tally.checks,
            "transmitted_pct": rate.transmitted.shown(),
            "valid_of_expected_pct": rate.valid_of_expected.shown(),
            "effective_pct": rate.effective.shown(),
            "valid_of_received_pct": rate.valid_of_received.as_ref().map(Ratio::shown),
            "effective_of_received_pct": rate.effective_of_received.as_ref().map(Ratio::shown),
            "pass_pct": stored.set.transmission_pass_pct.value,
            "grade": stored.set.transmission_pass_pct.source.grade,
            "passes": rate.passes,
        })
    });
    put(&mut report, "transmission", json!(transmission));
    if tally.amounts {
        let amounts = &tally.kilograms[tally.inside..];
        let total = (!amounts.is_empty()).then(|| Ratio::sum(amounts));
        put(
            &mut report,
            "emission",
            json!({"kg": total.as_ref().map(Ratio::shown), "exact": total, "hours": amounts.len(), "hours_without_amount": tally.unknown}),
        );
        if period.month.is_none() {
            put(&mut report, "substitution", substitution(stored, period, &tally, capture.as_ref()));
        }
    }
    Some(report)
}

pub(super) fn period_mean(stored: &Stored, period: &Period, kind: Kind, days: usize, means: &[Mean]) -> Value {
    let of_kind = means.iter().filter(|mean| mean.kind == kind);
    let mean = month::mean(of_kind, period.month.unwrap_or(1), &stored.set);
    let figure = if period.month == Some(2) { &stored.set.month_days_min_february } else { &stored.set.month_days_min };
    let coverage = Ratio::whole(i64::from(mean.valid_days) * 100).divided(&Ratio::whole(days as i64));
    json!({
        "kind": kind,
        "value": mean.mean.as_ref().map(Ratio::shown),
        "exact": mean.mean,
        "valid_days": mean.valid_days,
        "days": days,
        "coverage_pct": coverage.as_ref().map(Ratio::shown),
        // For a quarter no figure is known: coverage and mean are shown, and nothing is said of validity.
        "needed": period.month.map(|_| mean.needed),
        "grade": period.month.map(|_| figure.source.grade),
        "valid": period.month.map(|_| mean.valid),
        "weighted": mean.weighted,
    })
}

/// What stands in for the runs of a quarter's missing hours: amounts only, apart from what was measured.
pub(super) fn substitution(stored: &Stored, period: &Period, tally: &Tally, capture: Option<&Ratio>) -> Value {
    let set = &stored.set;
    let outlet = stored.registry.outlet(stored.outlet, period.first.start());
    if outlet.is_some_and(|outlet| outlet.medium == Medium::Water) {
        return json!({"applies": false, "why": "HJ 75-2017 is for gas; HJ 356-2019 substitutes daily amounts of water, which is not done here"});
    }
    let widest = set.substitution_windows_h.value.iter().copied().max().unwrap_or(0);
    let mut total = Vec::new();
    let runs: Vec<Value> = tally
        .runs
        .iter()
        .map(|run| {
            let history: Vec<Ratio> = tally.kilograms[..run.older].iter().rev().take(widest as usize).cloned().collect();
            let found = capture.and_then(|capture| emission::substitute(capture, run.hours, &history, set));
            let mut body = json!({
                "from": run.first.start().to_string(),
                "to": Hour(run.first.0 + i64::from(run.hours)).start().to_string(),
                "hours": run.hours,
            });
            match found {
                Some(found) => {
                    put(&mut body, "method", json!(format!("maximum of the last {} valid hours", found.window_h)));
                    put(&mut body, "window_h", json!(found.window_h));
                    put(&mut body, "found_h", json!(found.found_h));
                    put(&mut body, "per_hour_kg", json!(found.per_hour.shown()));
                    put(&mut body, "total_kg", json!(found.total.shown()));
                    total.push(found.total);
                }
                None => {
                    let why = if history.is_empty() { "no valid amount before it" } else { "the capture rate is below the lower edge" };
                    put(&mut body, "method", json!("unrecoverable"));
                    put(&mut body, "why", json!(why));
                }
            }
            body
        })
        .collect();
    json!({
        "applies": true,
        "source": set.substitution_windows_h.source,
        "total_kg": (!total.is_empty()).then(|| Ratio::sum(&total).shown()),
        "runs": runs,
    })
}
