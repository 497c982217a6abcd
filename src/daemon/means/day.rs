//! One day as one document.

use super::*;

pub(super) fn day_report(stored: &Stored, day: Day, explain: bool) -> Result<Value, Failure> {
    let missing = || {
        let what = format!("no hour of {} on {day} is closed yet; the first is ten minutes after its end", stored.outlet);
        Failure::new(exit::NO_INPUT, what)
    };
    let held = stored.days.get(&day).ok_or_else(missing)?;
    let series = held.series(&stored.registry, &stored.set);
    if series.is_empty() {
        return Err(missing());
    }
    let row = held.row();
    let revision = row.published.get(&24).map(|(revision, _)| *revision);
    let means: Vec<Mean> = series.iter().flat_map(SeriesDay::day_means).collect();
    let factors = stored.factors(series.iter());
    let shown = || series.iter().filter(|series| stored.is_shown(series.factor));
    let unit = |factor| stored.unit(factor, day.start());
    let hours = (0..24u8).map(|hour| {
        json!({
            "hour": format!("{hour:02}"),
            "start": day.hour(hour).start().to_string(),
            "closed": stored.is_closed(day.hour(hour)) || series.iter().any(|series| series.cells[usize::from(hour)].is_some()),
            "means": shown().flat_map(|series| hour_bodies(series, hour, unit(series.factor))).collect::<Vec<_>>(),
        })
    });
    let day_means = means.iter().filter(|mean| stored.is_shown(mean.factor)).map(|mean| {
        let mut body = mean_body(mean);
        put(&mut body, "unit", json!(unit(mean.factor)));
        body
    });
    let findings = row.findings.values().filter(|finding| stored.is_shown(finding.factor));
    let mut report = stored.head(day);
    report.extend([
        ("day".to_owned(), json!(day.to_string())),
        ("status".to_owned(), json!(if row.confirmed { "confirmed" } else { revision.map_or("open", |_| "provisional") })),
        ("revision".to_owned(), json!(revision)),
        ("factors".to_owned(), factors.iter().map(|factor| factor_body(*factor, unit(*factor))).collect()),
        ("hours".to_owned(), hours.collect()),
        ("day_means".to_owned(), day_means.collect()),
        ("limits".to_owned(), factors.iter().flat_map(|factor| limit_bodies(stored, day, *factor, &series, &means)).collect()),
        ("exemptions".to_owned(), exemptions(stored, day, &factors)),
        ("restrictions".to_owned(), restrictions(stored, day)),
        ("declarations".to_owned(), declarations(stored, day)),
        ("findings".to_owned(), findings.map(finding_body).collect()),
    ]);
    if explain {
        let closed = |hour: u8| stored.is_closed(day.hour(hour));
        report.insert("explanation".to_owned(), shown().flat_map(|series| explanation(series, closed)).map(Value::from).collect());
    }
    Ok(Value::Object(report))
}

pub(super) fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

pub(super) fn factor_body(factor: FactorCode, unit: &str) -> Value {
    let (zh, en) = factor_names(factor);
    json!({"factor": factor, "name_zh": zh, "name_en": en, "unit": unit})
}

/// The hour's means as they leave the house, and what is known of their cell.
pub(super) fn hour_bodies(series: &SeriesDay<'_>, hour: u8, unit: &str) -> Vec<Value> {
    let Some(cell) = &series.cells[usize::from(hour)] else { return Vec::new() };
    let marks: Map<String, Value> = marks(cell).into_iter().map(|(name, minutes)| (name, json!(minutes))).collect();
    let body = |mean: &Mean| {
        let mut body = mean_body(mean);
        put(&mut body, "unit", json!(unit));
        put(&mut body, "marks", Value::Object(marks.clone()));
        put(&mut body, "received_minutes", json!(cell.received_minutes));
        put(&mut body, "unused", json!(cell.unused));
        if let Some(oxygen) = cell.oxygen().filter(|_| mean.kind == Kind::Converted) {
            put(&mut body, "oxygen", json!(oxygen.shown()));
        }
        if let Some(sequences) = cell.sequences {
            put(&mut body, "sequences", json!(sequences));
        }
        if let Some(peak) = cell.peak {
            put(&mut body, "peak_sequence", json!(peak.sequence));
        }
        body
    };
    series.hour_means(hour).iter().map(body).collect()
}

/// Minutes by mark, what is normal first. A logger may send anything as a mark: no control character reaches a terminal. A dash:
/// no mark was sent.
pub(super) fn marks(cell: &HourCell) -> Vec<(String, u32)> {
    let name = |marker: Marker| if marker == Marker::ABSENT { "-".to_owned() } else { marker.text().replace(char::is_control, "?") };
    let mut marks = cell.marked.clone();
    marks.sort_by_key(|(marker, _)| *marker != Marker::NORMAL);
    marks.into_iter().map(|(marker, minutes)| (name(marker), minutes)).collect()
}

/// Every limit of a factor that touches the day, and what it says of it.
pub(super) fn limit_bodies(stored: &Stored, day: Day, factor: FactorCode, series: &[SeriesDay<'_>], means: &[Mean]) -> Vec<Value> {
    let (registry, set) = (&stored.registry, &stored.set);
    let (key, start) = (Series { outlet: stored.outlet, factor }, day.start());
    let of_factor: Vec<Mean> = means.iter().filter(|mean| mean.factor == factor).cloned().collect();
    let temperature_factor = registry.outlet(stored.outlet, start).and_then(|outlet| outlet.temperature_factor);
    let warm = |mean: &&Mean| Some(mean.factor) == temperature_factor && mean.kind == Kind::Measured && mean.valid;
    let temperature = means.iter().find(warm).and_then(|mean| mean.value.as_ref());
    let mut bodies = Vec::new();
    for limit in registry.limits(key, Basis::Day, start) {
        let (figure, note) = j_02::figure(limit, temperature, set);
        let mut body = limit_body(factor, limit, figure, note);
        match j_02::judge(&of_factor, limit, temperature, set) {
            j_02::Outcome::Judged(judgement) => {
                put(&mut body, "verdict", json!(if judgement.comparison.exceeds { "exceeds" } else { "complies" }));
                put(&mut body, "value", json!(judgement.mean.value.as_ref().map(Ratio::shown)));
                put(&mut body, "multiple", json!(judgement.comparison.multiple.as_ref().map(Ratio::shown)));
                put(&mut body, "marginal", json!(judgement.comparison.marginal));
            }
            j_02::Outcome::NotEvaluable(why) => {
                put(&mut body, "verdict", json!("not_evaluable"));
                put(&mut body, "why", json!(why));
            }
        }
        bodies.push(body);
    }
    // An hourly limit may change within the day; each is compared with the hours in which it is in force.
    let mut hourly: Vec<(&Limit, Vec<Value>)> = Vec::new();
    let series = series.iter().find(|series| series.factor == factor);
    for hour in 0..24u8 {
        let hour_means = series.map(|series| series.hour_means(hour)).unwrap_or_default();
        for limit in registry.limits(key, Basis::Hour, day.hour(hour).start()) {
            let at = hourly.iter().position(|(known, _)| *known == limit).unwrap_or(hourly.len());
            if at == hourly.len() {
                hourly.push((limit, Vec::new()));
            }
            let kind = if limit.converted { Kind::Converted } else { Kind::Measured };
            let Some(mean) = hour_means.iter().find(|mean| mean.kind == kind && mean.valid) else { continue };
            let figure = j_02::figure(limit, temperature, set).0;
            let in_force = Limit { limit: figure.to_owned(), ..limit.clone() };
            if let Some(value) = mean.value.as_ref().filter(|value| j_02::compare(value, &in_force).exceeds) {
                hourly[at].1.push(json!({"hour": format!("{hour:02}"), "value": value.shown()}));
            }
        }
    }
    for (limit, above) in hourly {
        let (figure, note) = j_02::figure(limit, temperature, set);
        let mut body = limit_body(factor, limit, figure, note);
        put(&mut body, "verdict", json!("information"));
        put(&mut body, "hours_above", json!(above));
        bodies.push(body);
    }
    for limit in registry.limits(key, Basis::FiveMinutes, start) {
        let mut body = limit_body(factor, limit, &limit.limit, None);
        put(&mut body, "verdict", json!("not_evaluable"));
        put(&mut body, "why", json!("five-minute means"));
        bodies.push(body);
    }
    bodies
}

pub(super) fn limit_body(factor: FactorCode, limit: &Limit, figure: &str, note: Option<&str>) -> Value {
    let mut body = rules::limit_body(limit, figure, note);
    put(&mut body, "factor", json!(factor));
    put(&mut body, "kind", json!(if limit.converted { Kind::Converted } else { Kind::Measured }));
    put(&mut body, "restricted", json!(limit.restricted));
    body
}

pub(super) fn exemptions(stored: &Stored, day: Day, factors: &BTreeSet<FactorCode>) -> Value {
    let mut found: Vec<&Exemption> = Vec::new();
    for (factor, hour) in factors.iter().flat_map(|factor| (0..24).map(move |hour| (*factor, day.hour(hour)))) {
        let exemption = stored.registry.exemption(stored.outlet, factor, hour.start(), hour.end());
        found.extend(exemption.filter(|exemption| !found.contains(exemption)));
    }
    let body = |row: &&Exemption| {
        json!({"factor": row.factor, "kind": row.kind.name(), "document": row.document, "approved_by": row.approved_by,
            "approved_on": row.approved_on.to_string(), "from": row.validity.from.to_string(), "to": row.validity.to.map(|to| to.to_string())})
    };
    found.iter().map(body).collect()
}

pub(super) fn restrictions(stored: &Stored, day: Day) -> Value {
    let mut found: Vec<&Restriction> = Vec::new();
    for minute in 0..24 * 60 {
        let restriction = stored.registry.restricted(stored.outlet, day.start().plus_ms(minute * MINUTE_MS));
        found.extend(restriction.filter(|restriction| !found.contains(restriction)));
    }
    let body = |row: &&Restriction| {
        let (from, to) = (row.validity.from.to_string(), row.validity.to.map(|to| to.to_string()));
        json!({"name": row.name, "document": row.document, "from": from, "to": to})
    };
    found.iter().map(body).collect()
}

/// What people declared about the day, what they took back included.
pub(super) fn declarations(stored: &Stored, day: Day) -> Value {
    let touching = stored.declarations.iter().filter(|known| known.from < day.end() && day.start() < known.to);
    let body = |known: &Declaration| {
        json!({"id": known.id, "factor": known.factor, "kind": known.mark, "document": known.document, "reason": known.reason,
            "author": known.author, "withdrawn": known.withdrawn, "from": known.from.to_string(), "to": known.to.to_string()})
    };
    touching.map(body).collect()
}
