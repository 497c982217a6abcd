//! Legal characterisation (违法情形) of what a case is about: the article in force on the day of the violation. The law of the
//! environment was codified: acts before 2026-08-15, the code (生态环境法典) from then on (marker-rules 3.1, N7).

use crate::domain::time::Day;
use crate::domain::{CaseKind, Grade, Medium, Severity};
use serde::Serialize;

/// An article that may apply. A suggestion with its source; the decision is people's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Article {
    /// Act and article, Chinese.
    pub article: &'static str,
    /// What it is about, Chinese and English.
    pub about_zh: &'static str,
    /// English.
    pub about_en: &'static str,
    /// How well the text is known.
    pub grade: Grade,
}

/// First day of the code.
const CODE: &str = "2026-08-15";

/// First day of the Ordinance on Ecological Monitoring (生态环境监测条例).
const ORDINANCE: &str = "2026-01-01";

/// The articles that may apply to a case of a kind on a day; `permitted`: the site holds a discharge permit on that day.
#[must_use]
pub fn articles(kind: CaseKind, medium: Medium, permitted: bool, day: Day) -> Vec<Article> {
    match kind {
        CaseKind::Exceedance => over_limit(medium, permitted, day),
        CaseKind::MissingLink | CaseKind::Networking => networking(kind, medium, permitted, day),
        CaseKind::SuspiciousMarker | CaseKind::AbnormalData => falsified(kind, medium, day),
    }
}

fn since(first: &str, day: Day) -> bool {
    Day::parse(first).is_some_and(|first| day >= first)
}

/// 未按规定联网、传输异常未及时报告 (marker-rules N1, N2).
fn networking(kind: CaseKind, medium: Medium, permitted: bool, day: Day) -> Vec<Article> {
    let (about_zh, about_en) = match kind {
        CaseKind::Networking => ("未按规定安装、联网自动监测设备", "automatic equipment not installed or networked as required"),
        _ => ("未保证监测设备正常运行，数据传输异常未及时报告", "equipment not kept running, abnormal transmission not reported"),
    };
    let article = |article| Article { article, about_zh, about_en, grade: Grade::P };
    let mut found = Vec::new();
    if since(CODE, day) {
        found.push(article("《生态环境法典》第一千零八十六条"));
    }
    if since(ORDINANCE, day) {
        found.push(article("《生态环境监测条例》第二十三条、第四十二条"));
    } else if medium == Medium::Gas {
        found.push(article("《大气污染防治法》第一百条第三项"));
    }
    if permitted && kind == CaseKind::MissingLink {
        found.push(article("《排污许可管理条例》第二十条、第三十六条"));
    }
    found
}

/// 虚假标记、篡改伪造监测数据 (marker-rules N5).
fn falsified(kind: CaseKind, medium: Medium, day: Day) -> Vec<Article> {
    let (about_zh, about_en) = match kind {
        CaseKind::SuspiciousMarker => ("虚假标记，以逃避监管方式排放污染物", "false marks, emission by evading supervision"),
        _ => ("篡改、伪造监测数据", "falsified monitoring data"),
    };
    let article = |article| Article { article, about_zh, about_en, grade: Grade::P };
    let mut found = Vec::new();
    if since(CODE, day) {
        found.push(article("《生态环境法典》第一千零八十八条、第一千一百零八条"));
    }
    if since(ORDINANCE, day) {
        found.push(article("《生态环境监测条例》第二十五条第二款第五项、第四十四条"));
    } else if medium == Medium::Gas {
        found.push(article("《大气污染防治法》第九十九条第三项"));
    }
    found
}

/// 超标 (marker-rules N7).
fn over_limit(medium: Medium, permitted: bool, day: Day) -> Vec<Article> {
    let code = since(CODE, day);
    let over_standard =
        |article| Article {
            article, about_zh: "超过污染物排放标准排放污染物", about_en: "emission over the discharge standard", grade: Grade::P
        };
    let over_permit =
        |article| Article {
            article, about_zh: "超过许可排放浓度排放污染物", about_en: "emission over the permitted concentration", grade: Grade::P
        };
    let mut found = Vec::new();
    match (medium, code) {
        (_, true) => found.push(over_standard("《生态环境法典》第一千一百零七条")),
        (Medium::Gas, false) => found.push(over_standard("《大气污染防治法》第九十九条第二项")),
        // The article of the water act was not read: what is not known is not cited.
        (Medium::Water, false) => {}
    }
    if permitted {
        found.push(over_permit(if code {
            "《生态环境法典》第一千一百零三条"
        } else {
            "《排污许可管理条例》第三十四条"
        }));
    }
    found
}

/// What to do first, Chinese and English.
#[must_use]
pub const fn suggested_action(kind: CaseKind, severity: Severity) -> (&'static str, &'static str) {
    match (kind, severity) {
        (CaseKind::Networking, _) => ("责令限期安装、联网", "order installation and networking by a date"),
        (CaseKind::MissingLink, _) => ("核实断链原因，责令恢复并手工监测", "find why the link is down, order its repair and manual measurements"),
        (CaseKind::Exceedance, Severity::Info | Severity::Warn) => ("比对监测核实", "verify by a comparison measurement"),
        (CaseKind::Exceedance, _) => ("现场调查，责令改正", "investigate on site, order correction"),
        (CaseKind::SuspiciousMarker, _) => ("调取工况、台账和视频，核查标记依据", "check the marks against plant records, logs and video"),
        (CaseKind::AbnormalData, _) => ("比对监测，现场检查仪器和参数", "comparison measurement, check instruments and parameters on site"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_is_that_of_the_day() {
        let day = |text: &str| Day::parse(text).expect("a day");
        let cited = |medium, permitted, at: &str| {
            articles(CaseKind::Exceedance, medium, permitted, day(at)).iter().map(|article| article.article).collect::<Vec<_>>()
        };
        assert_eq!(cited(Medium::Gas, false, "2026-08-14"), ["《大气污染防治法》第九十九条第二项"]);
        assert_eq!(cited(Medium::Gas, true, "2026-08-14"), ["《大气污染防治法》第九十九条第二项", "《排污许可管理条例》第三十四条"]);
        assert_eq!(cited(Medium::Gas, true, "2026-08-15"), ["《生态环境法典》第一千一百零七条", "《生态环境法典》第一千一百零三条"]);
        assert_eq!(cited(Medium::Water, false, "2026-03-14"), Vec::<&str>::new());
        assert_eq!(cited(Medium::Water, true, "2026-03-14"), ["《排污许可管理条例》第三十四条"]);
    }
}
