//! Legal characterisation (违法情形) of what a case is about: the article in force on the day of the violation. The law of the
//! environment was codified: acts before 2026-08-15, the code (生态环境法典) from then on (marker-rules 3.1, N7).

use crate::domain::time::Day;
use crate::domain::{Grade, Medium, Severity};
use serde::Serialize;

/// An article that may apply. A suggestion with its source; the decision is people's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// The articles about an emission over its standard on a day; `permitted`: the site holds a discharge permit on that day.
#[must_use]
pub fn articles(medium: Medium, permitted: bool, day: Day) -> Vec<Article> {
    let code = Day::parse(CODE).is_some_and(|first| day >= first);
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
pub const fn suggested_action(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Info | Severity::Warn => ("比对监测核实", "verify by a comparison measurement"),
        Severity::High | Severity::Critical => ("现场调查，责令改正", "investigate on site, order correction"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_is_that_of_the_day() {
        let day = |text: &str| Day::parse(text).expect("a day");
        let cited = |medium, permitted, at: &str| articles(medium, permitted, day(at)).iter().map(|article| article.article).collect::<Vec<_>>();
        assert_eq!(cited(Medium::Gas, false, "2026-08-14"), ["《大气污染防治法》第九十九条第二项"]);
        assert_eq!(cited(Medium::Gas, true, "2026-08-14"), ["《大气污染防治法》第九十九条第二项", "《排污许可管理条例》第三十四条"]);
        assert_eq!(cited(Medium::Gas, true, "2026-08-15"), ["《生态环境法典》第一千一百零七条", "《生态环境法典》第一千一百零三条"]);
        assert_eq!(cited(Medium::Water, false, "2026-03-14"), Vec::<&str>::new());
        assert_eq!(cited(Medium::Water, true, "2026-03-14"), ["《排污许可管理条例》第三十四条"]);
    }
}
