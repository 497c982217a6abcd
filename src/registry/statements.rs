//! Declarations (人工标记), comparison results (比对) and visits (现场检查) from CSV, every fault named at once as for the register.

use super::Registry;
use super::table::{self, Fault, Line};
use crate::domain::time::Moment;
use crate::domain::{
    CaseEvent, Comparison, Declaration, DeclarationKind, Disposition, FactorCode, Happening, OutletId, Stage, StatementFault, Visit,
};
use uuid::Uuid;

const INSTANT: &str = "an instant, 2026-03-14 08:00 or RFC 3339";

/// What stops a statement from being put in force: a fault of its own, or an outlet or factor that the register does not know.
#[must_use]
pub fn fault(own: Option<StatementFault>, outlet: OutletId, factor: Option<FactorCode>, registry: &Registry) -> Option<String> {
    if let Some((column, what)) = own {
        return Some(format!("{column}: {what}"));
    }
    if !registry.knows(outlet) {
        return Some(format!("outlet: {outlet} is not in the register in force"));
    }
    let measured = |factor: FactorCode| registry.factors(outlet).any(|known| known == factor);
    factor.filter(|factor| !measured(*factor)).map(|factor| format!("factor: {factor} is not measured at {outlet}"))
}

fn yes(line: &mut Line<'_>, column: &'static str) -> bool {
    let parsed = line.parsed(column, "yes or no", |text| match text {
        "yes" => Some(true),
        "no" | "" => Some(false),
        _ => None,
    });
    parsed.unwrap_or(false)
}

/// Reads declarations.
///
/// # Errors
/// Every fault, in the order of lines.
pub fn declarations(text: &str) -> Result<Vec<Declaration>, Vec<Fault>> {
    const COLUMNS: &[&str] = &["id", "outlet", "mark", "from", "to", "reason", "document", "author", "made_at"];
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    table::read("declarations.csv", text, COLUMNS, &["factor", "withdrawn"], &mut faults, |line| {
        let outlet = line.parsed("outlet", "an outlet of at most 24 bytes", |text| OutletId::new(text).filter(|id| !id.as_str().is_empty()));
        let factor = line.optional("factor", "a factor code", FactorCode::new);
        let words = DeclarationKind::ALL.map(|(_, word)| word).join(", ");
        let mark = line.parsed("mark", &format!("one of {words}"), DeclarationKind::parse);
        let (from, to) = (line.parsed("from", INSTANT, Moment::parse_local), line.parsed("to", INSTANT, Moment::parse_local));
        let made_at = line.parsed("made_at", INSTANT, Moment::parse_local);
        let withdrawn = yes(line, "withdrawn");
        let (id, reason, document, author) = (line.required("id"), line.required("reason"), line.text("document"), line.required("author"));
        let (Some(outlet), Some(mark), Some(from), Some(to), Some(made_at), false) = (outlet, mark, from, to, made_at, line.faulty) else { return };
        let row = Declaration { id, outlet, factor, mark, from, to, reason, document, author, made_at, withdrawn, entered: None, changed: None };
        match row.fault() {
            Some((column, what)) => line.fault(column, what.to_owned(), "mend the line"),
            None => rows.push(row),
        }
    });
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Reads comparison results.
///
/// # Errors
/// Every fault, in the order of lines.
pub fn comparisons(text: &str) -> Result<Vec<Comparison>, Vec<Fault>> {
    const COLUMNS: &[&str] = &["id", "outlet", "factor", "at", "passed", "method", "document", "author"];
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    table::read("comparisons.csv", text, COLUMNS, &["reference", "measured", "withdrawn"], &mut faults, |line| {
        let outlet = line.parsed("outlet", "an outlet of at most 24 bytes", |text| OutletId::new(text).filter(|id| !id.as_str().is_empty()));
        let factor = line.parsed("factor", "a factor code", |text| FactorCode::new(text).filter(|code| !code.as_str().is_empty()));
        let at = line.parsed("at", INSTANT, Moment::parse_local);
        let passed = line.parsed("passed", "yes or no", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        });
        let withdrawn = yes(line, "withdrawn");
        let (id, method, document, author) = (line.required("id"), line.text("method"), line.required("document"), line.required("author"));
        let (reference, measured) = (line.text("reference"), line.text("measured"));
        let (Some(outlet), Some(factor), Some(at), Some(passed), false) = (outlet, factor, at, passed, line.faulty) else { return };
        let row = Comparison { id, outlet, factor, at, passed, method, reference, measured, document, author, withdrawn };
        match row.fault() {
            Some((column, what)) => line.fault(column, what.to_owned(), "mend the line"),
            None => rows.push(row),
        }
    });
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Reads visits.
///
/// # Errors
/// Every fault, in the order of lines.
pub fn visits(text: &str) -> Result<Vec<Visit>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    table::read("visits.csv", text, &["id", "outlet", "from", "to", "by"], &["document", "withdrawn"], &mut faults, |line| {
        let outlet = line.parsed("outlet", "an outlet of at most 24 bytes", |text| OutletId::new(text).filter(|id| !id.as_str().is_empty()));
        let (from, to) = (line.parsed("from", INSTANT, Moment::parse_local), line.parsed("to", INSTANT, Moment::parse_local));
        let withdrawn = yes(line, "withdrawn");
        let (id, by, document) = (line.required("id"), line.required("by"), line.text("document"));
        let (Some(outlet), Some(from), Some(to), false) = (outlet, from, to, line.faulty) else { return };
        let row = Visit { id, outlet, from, to, by, document, withdrawn };
        match row.fault() {
            Some((column, what)) => line.fault(column, what.to_owned(), "mend the line"),
            None => rows.push(row),
        }
    });
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

fn case_of(line: &mut Line<'_>) -> Option<Uuid> {
    line.parsed("case", "the id of a case, as its referral names it", |text| Uuid::parse_str(text).ok())
}

/// Reads steps of cases.
///
/// # Errors
/// Every fault, in the order of lines.
pub fn dispositions(text: &str) -> Result<Vec<Disposition>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    table::read("dispositions.csv", text, &["id", "case", "step", "by"], &["document", "note"], &mut faults, |line| {
        let case = case_of(line);
        let words = Stage::ALL[1..].iter().map(|(_, word, ..)| *word).collect::<Vec<_>>().join(", ");
        let step = line.parsed("step", &format!("one of {words}"), |text| Stage::parse(text).filter(|stage| *stage != Stage::Received));
        let (id, by, document, note) = (line.required("id"), line.required("by"), line.text("document"), line.text("note"));
        let (Some(case), Some(step), false) = (case, step, line.faulty) else { return };
        let row = Disposition { id, case, step, by, document, note };
        match row.fault() {
            Some((column, what)) => line.fault(column, what.to_owned(), "mend the line"),
            None => rows.push(row),
        }
    });
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Reads what happened about cases.
///
/// # Errors
/// Every fault, in the order of lines.
pub fn case_events(text: &str) -> Result<Vec<CaseEvent>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    table::read("events.csv", text, &["id", "case", "what", "happened", "by"], &["document", "note"], &mut faults, |line| {
        let case = case_of(line);
        let words = Happening::ALL.map(|(_, word)| word).join(", ");
        let what = line.parsed("what", &format!("one of {words}"), Happening::parse);
        let happened = line.parsed("happened", INSTANT, Moment::parse_local);
        let (id, by, document, note) = (line.required("id"), line.required("by"), line.text("document"), line.text("note"));
        let (Some(case), Some(what), Some(happened), false) = (case, what, happened, line.faulty) else { return };
        let row = CaseEvent { id, case, what, happened, by, document, note };
        match row.fault() {
            Some((column, what)) => line.fault(column, what.to_owned(), "mend the line"),
            None => rows.push(row),
        }
    });
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}
