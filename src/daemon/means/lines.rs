//! The documents as CSV lines.

use super::*;

pub(super) const DAY_COLUMNS: &str =
    "outlet,day,hour,factor,kind,value,exact,valid,count,due,class,marks,shadow,indicative,origin,note,volume_m3,reported,agrees";

pub(super) const PERIOD_COLUMNS: &str = "outlet,period,factor,kind,value,exact,valid_days,days,needed,valid,weighted,\
    hours,received,valid_hours,stop_hours,invalid_hours,capture_pct,capture_passes,\
    transmitted_pct,valid_of_expected_pct,effective_pct,effective_of_received_pct,transmission_passes,\
    emission_kg,emission_hours,hours_without_amount,substituted_kg,substituted_hours,unrecoverable_hours";

/// A field of a line: empty for nothing.
pub(super) fn field(value: &Value) -> String {
    if value.is_null() { String::new() } else { text(value) }
}

pub(super) fn lines(columns: &str, rows: &[Vec<String>]) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(exit::SOFTWARE, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.split(',')).map_err(|error| failed(error.to_string()))?;
    for row in rows {
        writer.write_record(row).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

pub(super) fn day_lines(report: &Value) -> Vec<Vec<String>> {
    let line = |hour: &str, mean: &Value| {
        let mut row = vec![field(&report["outlet"]["id"]), field(&report["day"]), hour.to_owned()];
        row.extend(["factor", "kind", "value", "exact", "valid", "count", "due", "class"].map(|name| field(&mean[name])));
        row.push(marks_text(mean));
        row.extend(["shadow", "indicative", "origin", "note", "volume_m3"].map(|name| field(&mean[name])));
        row.extend(["value", "agrees"].map(|name| field(&mean["reported"][name])));
        row
    };
    let hours = list(&report["hours"]).flat_map(|hour| list(&hour["means"]).map(move |mean| (field(&hour["hour"]), mean)));
    let day = list(&report["day_means"]).map(|mean| (String::new(), mean));
    hours.chain(day).map(|(hour, mean)| line(&hour, mean)).collect()
}

/// What is of the series and not of one kind stands on its first line only, so that a sum over lines counts it once.
pub(super) fn period_lines(report: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for series in list(&report["series"]) {
        for (at, mean) in list(&series["means"]).enumerate() {
            let once = |value: &Value| if at == 0 { field(value) } else { String::new() };
            let (hours, capture, transmission) = (&series["hours"], &series["capture"], &series["transmission"]);
            let (amount, stand_in) = (&series["emission"], &series["substitution"]);
            let runs = |recovered: bool| {
                let of = list(&stand_in["runs"]).filter(|run| run["total_kg"].is_string() == recovered);
                let hours = of.filter_map(|run| run["hours"].as_u64()).sum::<u64>();
                if stand_in["applies"] == true { json!(hours) } else { Value::Null }
            };
            let mut row = vec![field(&report["outlet"]["id"]), field(&report["period"]), field(&series["factor"])];
            row.extend(["kind", "value", "exact", "valid_days", "days", "needed", "valid", "weighted"].map(|name| field(&mean[name])));
            row.extend(["all", "received", "valid", "stop", "invalid"].map(|name| once(&hours[name])));
            row.extend(["rate_pct", "passes"].map(|name| once(&capture[name])));
            row.extend(
                ["transmitted_pct", "valid_of_expected_pct", "effective_pct", "effective_of_received_pct", "passes"]
                    .map(|name| once(&transmission[name])),
            );
            row.extend(["kg", "hours", "hours_without_amount"].map(|name| once(&amount[name])));
            row.extend([once(&stand_in["total_kg"]), once(&runs(true)), once(&runs(false))]);
            rows.push(row);
        }
    }
    rows
}
