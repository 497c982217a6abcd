//! The documents as a table for a person.

use super::*;

/// A text of the value, whatever its JSON kind; a dash for none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Both names, or the one that there is.
pub(super) fn both(zh: &Value, en: &Value) -> String {
    match (zh.as_str().unwrap_or_default(), en.as_str().unwrap_or_default()) {
        (zh, "") => zh.to_owned(),
        ("", en) => en.to_owned(),
        (zh, en) => format!("{zh} / {en}"),
    }
}

/// A unit behind a figure: none of a mere number.
pub(super) fn unit_after(unit: &Value) -> String {
    unit.as_str().filter(|unit| !matches!(*unit, "" | "-" | "1")).map_or_else(String::new, |unit| format!(" {unit}"))
}

/// `N57 M3`.
pub(super) fn marks_text(mean: &Value) -> String {
    let marks = mean["marks"].as_object().into_iter().flatten();
    marks.map(|(mark, minutes)| format!("{mark}{minutes}")).collect::<Vec<_>>().join(" ")
}

/// The serialised name of a class.
pub(super) const fn class_name(class: HourClass) -> &'static str {
    match class {
        HourClass::Valid => "valid",
        HourClass::Stop => "stop",
        HourClass::StopEdge => "stop_edge",
        HourClass::Missing => "missing",
        HourClass::Invalid => "invalid",
    }
}

/// The classes and their letters.
const CLASSES: [(HourClass, &str); 5] =
    [(HourClass::Valid, "V"), (HourClass::Stop, "S"), (HourClass::StopEdge, "E"), (HourClass::Missing, "M"), (HourClass::Invalid, "I")];

pub(super) fn class_letter(name: &str) -> &'static str {
    CLASSES.iter().find(|(known, _)| class_name(*known) == name).map_or("?", |(_, letter)| *letter)
}

/// Chinese and English in one.
pub(super) fn in_both((zh, en): (&str, &str)) -> String {
    format!("{zh} {en}")
}

fn kind_words(name: &str) -> String {
    in_both(if name == "converted" { Kind::Converted.says() } else { Kind::Measured.says() })
}

/// What a note says, Chinese and English.
pub(super) fn note_words(note: &str) -> String {
    in_both((note_zh(note), &note.replace('_', " "))).trim_start().to_owned()
}

/// What another reading of the same values is called.
pub(super) fn beside_words(name: &str) -> String {
    let zh = match name {
        "arithmetic" => "算术",
        "interval_weighted" => "按间隔加权",
        "min" => "最小",
        "max" => "最大",
        "median" => "中位",
        _ => "",
    };
    format!("{zh} {}", name.replace('_', " ")).trim_start().to_owned()
}

/// Columns that a text takes in a terminal: an East Asian wide character takes two.
pub(super) fn width(text: &str) -> usize {
    let of = |letter: char| match letter as u32 {
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 => 2,
        0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

/// A label of the heading, as wide as the others.
pub(super) fn labelled(label: &str, what: &str) -> String {
    format!("{label}{}{what}\n", " ".repeat(20usize.saturating_sub(width(label))))
}

pub(super) fn heading(report: &Value) -> String {
    let (site, outlet) = (&report["site"], &report["outlet"]);
    let region = site["region"].as_str().filter(|region| !region.is_empty()).map_or_else(String::new, |region| format!("（{region}）"));
    let medium = if outlet["medium"] == "water" { "废水 water" } else { "废气 gas" };
    let oxygen = outlet["reference_oxygen_pct"].as_str().map_or_else(String::new, |oxygen| format!("，基准含氧量 reference oxygen {oxygen} %"));
    labelled("排污单位 site", &format!("{} {}{region}", text(&site["id"]), both(&site["name"], &site["name_en"])))
        + &labelled("排放口 outlet", &format!("{} {}，{medium}{oxygen}", text(&outlet["id"]), both(&outlet["name"], &outlet["name_en"])))
}

pub(super) fn versions(report: &Value) -> String {
    let versions = &report["versions"];
    labelled("版本 versions", &format!("登记 registry {}，规则 rules {}", text(&versions["registry"]), text(&versions["rule_set"])))
}

pub(super) fn rule() -> String {
    "─".repeat(LINE_WIDTH) + "\n"
}

pub(super) fn day_table(report: &Value) -> String {
    let status = match report["status"].as_str() {
        Some("confirmed") => "确认 confirmed",
        Some("provisional") => "暂定 provisional",
        _ => "尚未发布 not published yet",
    };
    let mut out = rule() + &heading(report) + &labelled("日期 day", &text(&report["day"]));
    out += &labelled("状态 status", &format!("{status}，修订号 revision {}", text(&report["revision"])));
    out += &versions(report);
    out.push('\n');
    out += &grid(report);
    let classes: Vec<String> = CLASSES.iter().map(|(class, letter)| format!("{letter} {}", in_both(class.says()))).collect();
    out +=
        &format!("c: {}；( ) 不计入 does not count；min: 有效分钟 valid minutes；marks: 标记与分钟 marks and their minutes\n\n", classes.join("，"));
    for factor in list(&report["factors"]) {
        out += &day_of_factor(report, factor);
    }
    for (name, title) in [("exemptions", "豁免 exemption"), ("restrictions", "限产 restriction"), ("declarations", "人工标记 declaration")] {
        for row in list(&report[name]) {
            let what = if row["kind"].is_null() { &row["name"] } else { &row["kind"] };
            let factor = row["factor"].as_str().map_or_else(String::new, |factor| format!(" {factor}"));
            let by = row["approved_by"].as_str().map_or_else(String::new, |by| format!("，批准 approved by {by} {}", text(&row["approved_on"])));
            let said = row["author"].as_str().map_or_else(String::new, |author| {
                let back = if row["withdrawn"] == true { "，已撤回 taken back" } else { "" };
                format!("，{} {author}{back}", text(&row["reason"]))
            });
            out += &format!("{title}{factor} {}：{} – {}，{}{by}{said}\n", text(what), text(&row["from"]), text(&row["to"]), text(&row["document"]));
        }
    }
    let explained: Vec<String> = list(&report["explanation"]).map(text).collect();
    if !explained.is_empty() {
        out += &format!("\n数字由来 how the numbers came about\n{}\n", explained.join("\n"));
    }
    out + &rule()
}

/// A column of the grid: its head and 24 texts.
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) cells: Vec<String>,
    /// Numbers stand at the right.
    pub(super) right: bool,
}

impl Column {
    pub(super) fn width(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0).max(self.head.len())
    }

    pub(super) fn padded(&self, cell: &str) -> String {
        let space = " ".repeat(self.width() - width(cell));
        if self.right { space + cell } else { cell.to_owned() + &space }
    }
}

/// One factor's part of the grid.
pub(super) struct Part {
    pub(super) title: String,
    pub(super) columns: Vec<Column>,
}

impl Part {
    pub(super) fn width(&self) -> usize {
        let columns = self.columns.iter().map(Column::width).sum::<usize>() + 2 * (self.columns.len() - 1);
        columns.max(width(&self.title))
    }

    /// A line of it, as wide as the others.
    pub(super) fn line(&self, at: impl Fn(&Column) -> String) -> String {
        let line = self.columns.iter().map(at).collect::<Vec<_>>().join("  ");
        let space = self.width() - width(&line);
        line + &" ".repeat(space)
    }
}

/// 24 hours × factors, in as many blocks as the width asks for.
pub(super) fn grid(report: &Value) -> String {
    let parts: Vec<Part> = list(&report["factors"]).filter_map(|factor| part(report, factor)).collect();
    let mut out = String::new();
    let mut rest = &parts[..];
    while !rest.is_empty() {
        let mut taken = 1;
        let mut total = 4 + 3 + rest[0].width();
        while taken < rest.len() && total + 3 + rest[taken].width() <= LINE_WIDTH {
            total += 3 + rest[taken].width();
            taken += 1;
        }
        let (block, after) = rest.split_at(taken);
        let mut line = |first: &str, of: &dyn Fn(&Part) -> String| {
            let line = format!("{first:<4} | {}", block.iter().map(of).collect::<Vec<_>>().join(" | "));
            out.push_str(line.trim_end());
            out.push('\n');
        };
        line("", &|part: &Part| part.title.clone() + &" ".repeat(part.width() - width(&part.title)));
        line("hour", &|part: &Part| part.line(|column| column.padded(column.head)));
        for hour in 0..24usize {
            line(&format!("{hour:02}"), &|part: &Part| part.line(|column| column.padded(&column.cells[hour])));
        }
        out.push('\n');
        rest = after;
    }
    out
}

pub(super) fn part(report: &Value, factor: &Value) -> Option<Part> {
    let (code, unit) = (factor["factor"].as_str()?, factor["unit"].as_str()?);
    let hours: Vec<&Value> = list(&report["hours"]).collect();
    let mean = |hour: &Value, kind: &str| list(&hour["means"]).find(|mean| mean["factor"] == code && mean["kind"] == kind).cloned();
    if hours.iter().all(|hour| mean(hour, "measured").is_none()) {
        return None;
    }
    let converts = hours.iter().any(|hour| mean(hour, "converted").is_some());
    let column = |head: &'static str, right: bool, of: &dyn Fn(&Value) -> String| {
        let nothing = |hour: &Value| match (head, hour["closed"] == true) {
            ("c", true) => "M".to_owned(),
            _ => String::new(),
        };
        let cell = |hour: &&Value| mean(hour, "measured").map_or_else(|| nothing(hour), |mean| of(&mean));
        Column { head, right, cells: hours.iter().map(cell).collect() }
    };
    let mut columns = vec![column("measured", true, &figure_text)];
    if converts {
        let cell = |hour: &&Value| mean(hour, "converted").map_or_else(String::new, |mean| figure_text(&mean));
        columns.push(Column { head: "converted", right: true, cells: hours.iter().map(cell).collect() });
    }
    columns.push(column("min", true, &|mean: &Value| text(&mean["count"])));
    columns.push(column("c", false, &|mean: &Value| class_letter(mean["class"].as_str().unwrap_or_default()).to_owned()));
    let said = |hour: &&Value| {
        let only_normal = |marks: &String| !marks.contains(' ') && (marks.is_empty() || marks.starts_with(['N', '-']));
        let marks = mean(hour, "measured").map(|mean| marks_text(&mean)).filter(|marks| !only_normal(marks));
        let notes: BTreeSet<String> =
            ["measured", "converted"].iter().filter_map(|kind| Some(mean(hour, kind)?["note"].as_str()?.to_owned())).collect();
        marks.into_iter().chain(notes).collect::<Vec<_>>().join(" ")
    };
    let marks = Column { head: "marks", right: false, cells: hours.iter().map(said).collect() };
    if marks.cells.iter().any(|cell| !cell.is_empty()) {
        columns.push(marks);
    }
    Some(Part { title: format!("{code} {unit}").trim_end().to_owned(), columns })
}

/// A mean's figure; in brackets where it does not count.
pub(super) fn figure_text(mean: &Value) -> String {
    match (mean["value"].as_str(), mean["indicative"].as_str()) {
        (Some(value), _) if mean["valid"] == true => value.to_owned(),
        (Some(value), _) | (None, Some(value)) => format!("({value})"),
        (None, None) => "-".to_owned(),
    }
}

pub(super) fn day_of_factor(report: &Value, factor: &Value) -> String {
    let (code, unit) = (&factor["factor"], unit_after(&factor["unit"]));
    let mut out = format!("{} {}{unit}\n", text(code), both(&factor["name_zh"], &factor["name_en"]));
    let water = report["outlet"]["medium"] == "water";
    let means: Vec<&Value> = list(&report["day_means"]).filter(|mean| mean["factor"] == *code).collect();
    if means.is_empty() {
        out += "  当日无数据 no data on this day\n";
    }
    for mean in means {
        let counted = if water { "有效数据/应有 valid of due" } else { "有效小时 valid hours" };
        let mut parts = vec![format!("{}/{} {counted}", text(&mean["count"]), text(&mean["due"]))];
        if mean["valid"] != true {
            parts.push("日均值无效，仅供参考 not valid, indicative only".to_owned());
        }
        parts.extend(mean["note"].as_str().map(note_words));
        parts.extend(mean["volume_m3"].as_str().map(|volume| format!("量 volume {volume} m³")));
        parts.extend(mean["shadow"].as_str().map(|shadow| format!("影子均值 shadow {shadow}")));
        out += &format!("  {}  {}{unit}，{}\n", kind_words(&text(&mean["kind"])), figure_text(mean), parts.join("，"));
        if let Some(reported) = mean["reported"].as_object() {
            let agrees = match reported["agrees"].as_bool() {
                Some(true) => "一致 agrees",
                Some(false) => "不一致 differs",
                None => "无可比 nothing to compare",
            };
            let (value, difference) = (text(&reported["value"]), text(&reported["difference_pct"]));
            out += &format!("    上报 reported {value}，差异 difference {difference} %，{agrees}\n");
        }
        let beside: Vec<String> =
            mean["beside"].as_object().into_iter().flatten().map(|(name, value)| format!("{} {}", beside_words(name), text(value))).collect();
        if !beside.is_empty() {
            out += &format!("    另 beside {}\n", beside.join("，"));
        }
    }
    for limit in list(&report["limits"]).filter(|limit| limit["factor"] == *code) {
        out += &limit_lines(limit, report["status"] != "confirmed");
    }
    out.push('\n');
    out
}

pub(super) fn limit_lines(limit: &Value, provisional: bool) -> String {
    let basis = match limit["basis"].as_str() {
        Some("day") => "日均 day",
        Some("hour") => "小时 hour",
        _ => "五分钟 5 min",
    };
    let min = limit["type"] == "min";
    let why = match limit["figure_note"].as_str() {
        Some("cold_water") => "（水温不高于 12 ℃，括号内数值 the bracketed figure of cold water）",
        Some("no_water_temperature_stricter_figure") => "（无水温，取严 no water temperature, the stricter figure）",
        _ => "",
    };
    let restricted = if limit["restricted"] == true { "，限产期间 while restricted" } else { "" };
    let figure = format!("{} {}{}", if min { "≥" } else { "≤" }, text(&limit["figure"]), unit_after(&limit["unit"]));
    let mut out = format!("  限值 limit  {basis} {figure}{why} {}{restricted} — {}\n", kind_words(&text(&limit["kind"])), text(&limit["standard"]));
    let grade = format!("[{} {} / {}]", text(&limit["grade"]), text(&limit["grade_zh"]), text(&limit["grade_en"]));
    out += &format!("    来源 source {} {grade}\n", text(&limit["source"]));
    let status = if provisional { "（暂定 provisional）" } else { "" };
    out += &match limit["verdict"].as_str() {
        Some("exceeds") => {
            let times = limit["multiple"].as_str().map_or_else(String::new, |times| format!("，超标倍数 {times} times over"));
            let marginal = if limit["marginal"] == true { "，修约后临界 marginal once rounded" } else { "" };
            format!("    判定 verdict 超标 exceeds：{} {} {}{times}{marginal}{status}\n", text(&limit["value"]), side(min), text(&limit["figure"]))
        }
        Some("complies") => format!("    判定 verdict 达标 complies：{}{status}\n", text(&limit["value"])),
        Some("information") => {
            let above: Vec<String> = list(&limit["hours_above"]).map(|hour| format!("{} ({})", text(&hour["hour"]), text(&hour["value"]))).collect();
            let above = if above.is_empty() { "无 none".to_owned() } else { above.join(", ") };
            format!("    超过的小时 hours beyond it {above}；仅供参考，不是当日判定 information only, no verdict of this day\n")
        }
        _ => format!("    判定 verdict 无法判定 not evaluable：{}\n", why_words(&text(&limit["why"]))),
    };
    out
}

pub(super) const fn side(min: bool) -> &'static str {
    if min { "<" } else { ">" }
}

/// Which input a verdict lacks.
pub(super) fn why_words(why: &str) -> String {
    let zh = match why {
        "daily mean" => "缺日均值",
        "flow-weighted daily mean" => "缺流量加权日均值",
        "a valid day" => "当日无效",
        "five-minute means" => "此处不计算五分钟均值",
        _ => "",
    };
    format!("{zh}（lacks {why}）")
}

pub(super) fn period_table(report: &Value) -> String {
    let is_month = report["span"] == "month";
    let mut out = rule() + &heading(report);
    out += &labelled("时段 period", &format!("{}，{} – {}", text(&report["period"]), text(&report["from"]), text(&report["to"])));
    out += &labelled(
        "统计至 counted to",
        &format!(
            "{}，已过 {} 天 days over，有数据 {} 天 days with data",
            text(&report["counted_until"]),
            text(&report["days"]),
            text(&report["days_with_data"])
        ),
    );
    if let Some(began) = report["began"].as_str() {
        out += &labelled("始于 began", &format!("{began}；此前按缺失计 what is before counts as missing"));
    }
    out += &versions(report);
    for series in list(&report["series"]) {
        out.push('\n');
        out += &period_of_series(series, is_month);
    }
    out + &rule()
}

pub(super) fn passes(value: &Value) -> &'static str {
    if *value == true { "达标 passes" } else { "不达标 does not pass" }
}

pub(super) fn period_of_series(series: &Value, is_month: bool) -> String {
    let unit = unit_after(&series["unit"]);
    let mut out = format!("{} {}{unit}\n", text(&series["factor"]), both(&series["name_zh"], &series["name_en"]));
    for mean in list(&series["means"]) {
        let value = mean["value"].as_str().map_or_else(|| "—".to_owned(), str::to_owned);
        let weighted = if mean["weighted"] == true { "，水量加权 weighted by volume" } else { "" };
        let kind = kind_words(&text(&mean["kind"]));
        let (valid_days, needed, grade) = (text(&mean["valid_days"]), text(&mean["needed"]), text(&mean["grade"]));
        out += &if is_month && mean["valid"] == true {
            format!("  {kind}  月均值 mean {value}{unit}{weighted}，有效 valid: {valid_days} of {needed} 天 days [{grade}]\n")
        } else if is_month {
            format!("  {kind}  月均值 mean ({value}){unit}{weighted}，无效 not valid: {valid_days} of {needed} 天 days [{grade}]\n")
        } else {
            let (days, coverage) = (text(&mean["days"]), text(&mean["coverage_pct"]));
            let covered = format!("覆盖 coverage {valid_days}/{days} 天 days, {coverage} %；季度无判定 no verdict of a quarter");
            format!("  {kind}  有效日均值 mean of the valid days {value}{unit}{weighted}，{covered}\n")
        };
    }
    let (hours, capture, rate) = (&series["hours"], &series["capture"], &series["transmission"]);
    out += &format!(
        "  小时 hours {}：有效 valid {}，停运 stop {}，无效与缺失 invalid or missing {}；收到 received {}\n",
        text(&hours["all"]),
        text(&hours["valid"]),
        text(&hours["stop"]),
        text(&hours["invalid"]),
        text(&hours["received"])
    );
    out += &if capture.is_null() {
        "  捕集率 capture rate 无：全时段停运 none, stopped throughout\n".to_owned()
    } else {
        let of_quarter = if is_month { "，该限为季度指标 the figure is a quarter's" } else { "" };
        let least = format!("≥ {} % [{}]", text(&capture["pass_pct"]), text(&capture["grade"]));
        format!("  捕集率 capture rate {} %（{least}{of_quarter}）{}\n", text(&capture["rate_pct"]), passes(&capture["passes"]))
    };
    if !rate.is_null() {
        let least = format!("≥ {} % [{}]", text(&rate["pass_pct"]), text(&rate["grade"]));
        out += &format!(
            "  有效传输率 effective transmission T {} % × V {} %（有效/应收 valid of expected）= {} %（{least}）{}\n",
            text(&rate["transmitted_pct"]),
            text(&rate["valid_of_expected_pct"]),
            text(&rate["effective_pct"]),
            passes(&rate["passes"])
        );
        out += &format!(
            "    另一读法 the other reading V {} %（有效/实收 valid of received），{} %\n",
            text(&rate["valid_of_received_pct"]),
            text(&rate["effective_of_received_pct"])
        );
        out += &format!(
            "    应收 expected {}，实收 received {}，有效 valid {}，不计的校准时 check hours left out {}\n",
            text(&rate["expected"]),
            text(&rate["received"]),
            text(&rate["valid"]),
            text(&rate["check_hours"])
        );
    }
    let amount = &series["emission"];
    if !amount.is_null() {
        out += &format!(
            "  排放量 emission {} kg，{} 小时 hours；有效而无流量 valid without a volume {} 小时 hours\n",
            text(&amount["kg"]),
            text(&amount["hours"]),
            text(&amount["hours_without_amount"])
        );
    }
    out + &substitution_lines(&series["substitution"])
}

pub(super) fn substitution_lines(stand_in: &Value) -> String {
    if stand_in.is_null() {
        return String::new();
    }
    if stand_in["applies"] != true {
        return format!("  替代量 substituted — 水污染源另有规定：{}\n", text(&stand_in["why"]));
    }
    let source = &stand_in["source"];
    let mut out = format!("  替代量 substituted {} kg，不并入排放量 apart from the emission\n", text(&stand_in["total_kg"]));
    out += &format!("    方法 method {} [{}]\n", text(&source["text"]), text(&source["grade"]));
    for run in list(&stand_in["runs"]) {
        let period = format!("{} – {}，{} 小时 hours", text(&run["from"]), text(&run["to"]), text(&run["hours"]));
        out += &match run["total_kg"].as_str() {
            Some(total) => format!(
                "    {period}：{total} kg = {} kg/h，前 {} 个有效小时最大值 {}（有 found {}）\n",
                text(&run["per_hour_kg"]),
                text(&run["window_h"]),
                text(&run["method"]),
                text(&run["found_h"])
            ),
            None => format!("    {period}：不可恢复 unrecoverable，{}\n", text(&run["why"])),
        };
    }
    out
}
