//! How each number of a day came about, in words.

use super::*;

pub(super) fn explanation(series: &SeriesDay<'_>, closed: impl Fn(u8) -> bool) -> Vec<String> {
    let (zh, en) = factor_names(series.factor);
    let mut lines = vec![format!("{} {zh} / {en}", series.factor)];
    for hour in 0..24u8 {
        if let Some(cell) = &series.cells[usize::from(hour)] {
            lines.extend(hour_explanation(series, hour, cell));
        }
    }
    for mean in series.day_means() {
        lines.extend(day_explanation(series, &mean, &closed));
    }
    lines
}

/// `45 valid minutes [S]`.
pub(super) fn figure<T: std::fmt::Display>(figure: &Figure<T>, what: &str) -> String {
    format!("{}{what} [{:?}]", figure.value, figure.source.grade)
}

/// `85 (85/1)`.
pub(super) fn exactly(value: &Ratio) -> String {
    format!("{} ({})", value.shown(), value.fraction())
}

pub(super) fn hour_explanation(series: &SeriesDay<'_>, hour: u8, cell: &HourCell) -> Vec<String> {
    let (class, means) = (series.class(hour), series.hour_means(hour));
    let origin = match cell.origin {
        Origin::Minutes => "分钟记录 minutes (2051)",
        Origin::Samples => "实时样本 samples (2011)",
        Origin::Reported => "上报小时值 reported hour (2061)",
        Origin::Nothing => "无 nothing",
    };
    let marks: Vec<String> = marks(cell).into_iter().map(|(name, minutes)| format!("{name}{minutes}")).collect();
    let mut lines = vec![format!(
        "  {hour:02}  {origin}，收到 received {}，有效 valid {}，标记 marks {}，未用 not used {}；{} → {}",
        cell.received_minutes,
        cell.valid_minutes,
        if marks.is_empty() { "—".to_owned() } else { marks.join(" ") },
        cell.unused,
        decided(cell, class, series.set),
        in_both(class.says())
    )];
    let mut parts = Vec::new();
    if let Some(mean) = means.first() {
        parts.push(match (&mean.value, &mean.indicative) {
            (Some(value), _) => format!("实测 measured {}", exactly(value)),
            (None, Some(value)) => format!("实测 measured 无 none，部分均值 partial mean {}", exactly(value)),
            (None, None) => "实测 measured 无 none".to_owned(),
        });
        parts.extend(mean.note.as_deref().map(note_words));
        parts.extend(mean.shadow.as_ref().map(|shadow| format!("影子均值 shadow {}", shadow.shown())));
        parts.extend(mean.volume.as_ref().map(|volume| format!("量 volume {} m³", volume.shown())));
        parts.extend(mean.reported.as_ref().map(|reported| format!("上报 reported {}", reported.value)));
    }
    parts.extend(cell.sequences.map(|(first, last)| format!("数据包 packets #{first}–#{last}")));
    parts.extend(cell.peak.map(|peak| format!("峰值 peak {} #{}", cell.max.unwrap_or_default(), peak.sequence)));
    lines.push(format!("      {}", parts.join("，")));
    if let Some(mean) = means.iter().find(|mean| mean.kind == Kind::Converted) {
        let other = mean.cross_check.map_or_else(String::new, |other| format!("；逐分钟折算再平均 the other order {other}"));
        lines.push(format!("      折算 converted {}{other}", conversion(series, cell, mean)));
    }
    lines
}

/// The figure that decided the class of an hour.
pub(super) fn decided(cell: &HourCell, class: HourClass, set: &RuleSet) -> String {
    let least = figure(&set.hour_minutes_min, " valid minutes");
    let stopped = cell.minutes_marked(Marker::STOPPED);
    match class {
        HourClass::Valid if cell.water => "一值即可，无异常 a value, none abnormal [HJ 212-2017 D.1]".to_owned(),
        HourClass::Valid => format!("{} ≥ {least}", cell.valid_minutes),
        HourClass::Stop => format!("F{stopped} ≥ {}", figure(&set.hour_minutes_min, " minutes")),
        HourClass::StopEdge => format!("F{stopped} > {} 且邻时停运 beside a stopped hour", figure(&set.stop_edge_minutes, " minutes")),
        HourClass::Missing => format!("收到 received {} < {}", cell.received_minutes, figure(&set.hour_minutes_min, " minutes")),
        HourClass::Invalid if cell.water => "一值异常即全时异常 one abnormal value makes the hour abnormal [HJ 212-2017 D.1]".to_owned(),
        HourClass::Invalid => format!("{} < {least}", cell.valid_minutes),
    }
}

/// The conversion formula with its numbers, or why there is none.
pub(super) fn conversion(series: &SeriesDay<'_>, cell: &HourCell, mean: &Mean) -> String {
    let (outlet, set) = (series.outlet, series.set);
    let Some(reference) = outlet.reference_oxygen else { return "无基准含氧量 no reference oxygen".to_owned() };
    let oxygen = cell.oxygen();
    let shown = oxygen.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
    let own = cell.reported.as_ref().and_then(|reported| reported.converted).is_some();
    let minutes_first = outlet.conversion == ConversionOrder::MinutesFirst && mean.cross_check.is_some() && cell.origin != Origin::Reported;
    match cell.converted(outlet, set) {
        Conversion::None => "无：实测小时无效 none, the measured hour is not valid".to_owned(),
        Conversion::NoOxygen => format!("无 none：O₂ 与实测均有效的时间少于 both valid for less than {}", figure(&set.hour_minutes_min, " minutes")),
        Conversion::NotConverted => format!("无 none：O₂ {shown} ≥ {}", figure(&set.oxygen_not_converted_pct, " %")),
        Conversion::Value(value) if cell.converted_only => format!("{} 数采仪只报折算值 the logger sends converted values only", exactly(&value)),
        Conversion::Value(value) if minutes_first => format!("{} 先逐分钟折算 minutes are converted first", exactly(&value)),
        Conversion::Value(value) if cell.origin == Origin::Reported && own => format!("{} 数采仪上报 as the logger reports it", exactly(&value)),
        Conversion::Value(value) | Conversion::LowConfidence(value) => {
            // The paired mean is what the conversion was made of: the formula, read backwards, is exact.
            let oxidant = Ratio::of(outlet.oxidant_oxygen);
            let rest = oxygen.as_ref().map(|oxygen| oxidant.minus(oxygen));
            let paired = rest.and_then(|rest| value.times(&rest).divided(&oxidant.minus(&Ratio::of(reference))));
            let low = if mean.note.as_deref() == Some("low_confidence") {
                format!("；O₂ ≥ {} 可信度低 low confidence", figure(&set.oxygen_low_confidence_pct, " %"))
            } else {
                String::new()
            };
            let paired = paired.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
            let oxidant = outlet.oxidant_oxygen;
            format!("{paired} × ({oxidant} − {reference}) / ({oxidant} − {shown}) = {}，O₂ {shown} %{low}", exactly(&value))
        }
    }
}

pub(super) fn day_explanation(series: &SeriesDay<'_>, mean: &Mean, closed: &impl Fn(u8) -> bool) -> Vec<String> {
    let heading = format!("  日 day  {}：", in_both(mean.kind.says()));
    let water = series.outlet.medium == Medium::Water;
    let is_flow = series.outlet.flow_factor == Some(series.factor);
    let result = mean.value.as_ref().or(mean.indicative.as_ref()).map_or_else(|| "无 none".to_owned(), exactly);
    let share =
        || format!("{}/{} × 100 {} {}", mean.count, mean.due, if mean.valid { "≥" } else { "<" }, figure(&series.set.water_day_used_pct, " %"));
    if water && !is_flow {
        return water_explanation(series, mean, &heading, &result, &share());
    }
    let (mut entered, mut left) = (Vec::new(), Vec::new());
    for hour in 0..24u8 {
        let hour_mean = series.hour_means(hour).into_iter().find(|hour_mean| hour_mean.kind == mean.kind);
        match hour_mean {
            Some(Mean { value: Some(value), valid, .. }) if valid || (is_flow && water) => entered.push((hour, value)),
            Some(other) => {
                let note = other.note.map_or_else(String::new, |note| format!(" {note}"));
                left.push(format!("{hour:02} {}{note}", class_letter(class_name(series.class(hour)))));
            }
            None if closed(hour) => left.push(format!("{hour:02} M")),
            None => {}
        }
    }
    let hours: Vec<String> = entered.iter().map(|(hour, _)| format!("{hour:02}")).collect();
    let terms: Vec<String> = entered.iter().map(|(_, value)| value.shown()).collect();
    let enough = if is_flow && water {
        share()
    } else {
        format!("{} {} {}", mean.count, if mean.valid { "≥" } else { "<" }, figure(&series.set.day_hours_min, " valid hours"))
    };
    let mut lines = vec![format!("{heading}进入 hours that enter {}", if hours.is_empty() { "—".to_owned() } else { hours.join(" ") })];
    if !left.is_empty() {
        lines.push(format!("      未进入 left out {}", left.join(", ")));
    }
    let sum = if terms.is_empty() { "—".to_owned() } else { format!("({}) / {}", terms.join(" + "), mean.count) };
    lines.push(format!("      {sum} = {result}；{enough}"));
    lines
}

pub(super) fn water_explanation(series: &SeriesDay<'_>, mean: &Mean, heading: &str, result: &str, share: &str) -> Vec<String> {
    let all = series.cycles();
    let used = || all.iter().filter_map(|cycle| Some((cycle, cycle.used()?)));
    let shown = |volume: &Option<Ratio>| volume.as_ref().map_or_else(|| "—".to_owned(), Ratio::shown);
    let weights: Vec<String> =
        used().map(|(cycle, value)| format!("{:02}: {} × {} m³", cycle.hours.start, value.shown(), shown(&cycle.volume))).collect();
    let left: Vec<String> =
        all.iter().filter(|cycle| cycle.used().is_none()).map(|cycle| format!("{:02} {}", cycle.hours.start, left_out(&cycle.fate))).collect();
    let plain = || used().map(|(_, value)| value.shown()).collect::<Vec<_>>();
    let formula = match &mean.volume {
        _ if series.factor.as_str() == PH => format!("−log₁₀( Σ10^−pH / {} )，{}", mean.count, plain().join(", ")),
        Some(volume) => {
            let terms: Vec<String> = used().map(|(cycle, value)| format!("{}×{}", value.shown(), shown(&cycle.volume))).collect();
            format!("Σ(C×V)/ΣV = ({}) / {}", terms.join(" + "), volume.shown())
        }
        None => format!("({}) / {}", plain().join(" + "), mean.count),
    };
    let mut lines = vec![format!("{heading}进入及水量 values that enter, and their volumes {}", weights.join("; "))];
    if !left.is_empty() {
        lines.push(format!("      未进入 left out {}", left.join(", ")));
    }
    lines.push(format!("      {formula} = {result}；{share}"));
    lines
}

/// Why a cycle does not enter the day.
fn left_out(fate: &Fate) -> &'static str {
    match fate {
        Fate::NoFlow => "无流量 no flow, not due",
        Fate::Exempt => "豁免 exempt, not due",
        Fate::Check => "校准 the day's check, not due",
        Fate::Used(_) | Fate::Unused => "无有效值 no valid value",
    }
}
