//! The factor tables: Annex B of HJ 212-2017 (379 rows) and the codes of HJ/T 212-2005 with their 2017 equivalents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A row of Annex B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// 2017 code, `w01018`.
    pub code: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// Default unit; nothing in a packet carries a unit.
    pub unit: &'static str,
    /// `water`, `gas`, `noise`, `process`, `device` …
    pub medium: &'static str,
}

/// A code of the 2005 edition. Unique only together with its medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyFactor {
    /// 2005 code, `011`.
    pub code: &'static str,
    /// `water`, `gas`, `noise`.
    pub medium: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// 2005 unit.
    pub unit: &'static str,
    /// The 2017 code, empty where none is printed.
    pub code_2017: &'static str,
    /// Multiplies a 2005 number into the 2017 unit.
    pub unit_factor: u32,
}

const FACTORS: &str = include_str!("../../protocol-fixtures/factors.csv");
const LEGACY: &str = include_str!("../../protocol-fixtures/factors-2005.csv");

static BY_CODE: LazyLock<BTreeMap<&'static str, Factor>> =
    LazyLock::new(|| rows(FACTORS).map(|row| (row[0], Factor { code: row[0], zh: row[1], en: row[2], unit: row[3], medium: row[5] })).collect());

/// By medium, then by code.
static BY_LEGACY_CODE: LazyLock<BTreeMap<&'static str, BTreeMap<&'static str, LegacyFactor>>> = LazyLock::new(|| {
    let mut by_medium: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for row in rows(LEGACY) {
        let unit_factor = row[8].trim_start_matches('x').parse().unwrap_or(1);
        let factor = LegacyFactor { code: row[0], zh: row[1], en: row[2], medium: row[3], unit: row[4], code_2017: row[6], unit_factor };
        by_medium.entry(row[3]).or_default().insert(row[0], factor);
    }
    by_medium
});

/// Splits the table's lines; the files quote a field only where it holds a comma.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).filter(|line| !line.is_empty()).map(|line| {
        let mut fields = Vec::with_capacity(12);
        let mut rest = line;
        loop {
            let (field, next) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
                Some((field, after)) => (field, after.strip_prefix(',')),
                None => match rest.split_once(',') {
                    Some((field, after)) => (field, Some(after)),
                    None => (rest, None),
                },
            };
            fields.push(field);
            match next {
                Some(next) => rest = next,
                None => return fields,
            }
        }
    })
}

/// The row of a 2017 code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Factor> {
    BY_CODE.get(code)
}

/// Every row of Annex B, in the order of the codes.
pub fn all() -> impl Iterator<Item = &'static Factor> {
    BY_CODE.values()
}

/// The row of a 2005 code in a medium.
#[must_use]
pub fn find_legacy(code: &str, medium: &str) -> Option<&'static LegacyFactor> {
    BY_LEGACY_CODE.get(medium)?.get(code)
}

/// The row of a 2005 code in whatever medium has it, gas before noise before water.
#[must_use]
pub fn find_legacy_anywhere(code: &str) -> Option<&'static LegacyFactor> {
    ["gas", "noise", "water"].into_iter().find_map(|medium| find_legacy(code, medium))
}

/// Every row of the 2005 table.
pub fn all_legacy() -> impl Iterator<Item = &'static LegacyFactor> {
    BY_LEGACY_CODE.values().flat_map(BTreeMap::values)
}

/// The medium of a system code (ST): 31 gas, 32–35 and 21, 24, 26 water, 23 and 36 noise.
#[must_use]
pub fn medium_of_system(st: &str) -> Option<&'static str> {
    match st {
        "22" | "27" | "31" | "39" => Some("gas"),
        "21" | "24" | "26" | "32" | "33" | "34" => Some("water"),
        "23" | "36" => Some("noise"),
        _ => None,
    }
}
